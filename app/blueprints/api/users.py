"""The people of an organisation in JSON."""

from app.blueprints.api import api
from app.commands import invitations, users
from app.commands.audit_events import note_reading_of
from app.core.errors import NotFound
from app.core.idempotency import once
from app.models.invitations import Invitation
from app.queries.users import UserFilters, get_user, list_users
from app.schemas.invitations import InvitationOut, NewInvitation
from app.schemas.profiles import UserChanges
from app.schemas.users import UserOut
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import (
    choice_parameter,
    idempotent_request,
    read_json,
    read_nothing,
    read_paging,
    read_parameters,
    version_tag,
    with_if_match,
)
from app.web.responses import data

STATUSES = ("active", "deactivated")


@api.get("/users", endpoint="list_users")
def list_all():
    """Members, those who have left too, newest first."""
    given = read_parameters("q", "status", "cursor", "limit", "fields")
    filters = UserFilters(given.get("q"), choice_parameter(given, "status", STATUSES))
    actor, paging = current_actor(), read_paging(given)
    note_reading_of(actor, "people")
    page = list_users(actor, filters, paging)
    return one_page(page, with_fields(given, UserOut, [UserOut.of(row) for row in page.rows]), given)


@api.get("/users/me")
def show_me():
    """The person for whom the key acts."""
    actor = current_actor()
    if actor.user_id is None:
        raise NotFound
    return _one(get_user(actor, actor.user_id))


@api.get("/users/<int(max=9007199254740991):user_id>")
def show_user(user_id):
    """One member."""
    actor = current_actor()
    note_reading_of(actor, "people")
    return _one(get_user(actor, user_id))


@api.patch("/users/<int(max=9007199254740991):user_id>")
def update_user(user_id):
    """Correct the name of a member."""
    actor, changes = current_actor(), with_if_match(read_json(UserChanges))
    users.update_user(actor, user_id, changes)
    return _one(get_user(actor, user_id))


@api.post("/users/invite")
def invite_user():
    """Send somebody a way in. The answer is the same whether the address has an account."""
    actor, new = current_actor(), read_json(NewInvitation)
    made = once(actor, idempotent_request(), Invitation, lambda: invitations.invite_person(actor, new))
    return data(InvitationOut.of(made), status=201)


@api.post("/users/<int(max=9007199254740991):user_id>/deactivate")
def deactivate_user(user_id):
    """End a membership at once."""
    actor = current_actor()
    read_nothing()
    users.deactivate_user(actor, user_id)
    return _one(get_user(actor, user_id))


@api.post("/users/<int(max=9007199254740991):user_id>/reactivate")
def reactivate_user(user_id):
    """Let somebody back in."""
    actor = current_actor()
    read_nothing()
    users.reactivate_user(actor, user_id)
    return _one(get_user(actor, user_id))


def _one(person):
    response = data(UserOut.of(person))
    response.headers["ETag"] = version_tag(person.version)
    return response
