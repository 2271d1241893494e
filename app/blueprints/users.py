"""The people of an organisation: who they are, correct a name, invite, deactivate, let back in."""

from flask import Blueprint, url_for

from app.commands import invitations as ways_in
from app.commands import users as commands
from app.commands.audit_events import note_reading_of
from app.core.errors import Forbidden, Invalid, StaleVersion
from app.core.permissions import require
from app.core.phrases import phrase
from app.queries import users as queries
from app.queries.access import roles_to_give
from app.queries.avatars import get_avatar
from app.queries.invitations import waiting_invitations
from app.schemas.invitations import NewInvitation
from app.schemas.profiles import UserChanges
from app.web.access_pages import access_of_person
from app.web.actors import current_actor
from app.web.built_in import choices_called
from app.web.conflicts import conflict_of
from app.web.dangerous_acts import gives_power, person_has_power
from app.web.fresh_sign_in import needs_fresh_sign_in_where
from app.web.languages import translated as _
from app.web.listing import PLACES, page_context
from app.web.parsing import choice_parameter, form_values, read_changes, read_form, read_paging, read_parameters
from app.web.pictures import as_picture
from app.web.responses import Said, Undo, go_on, show

bp = Blueprint("users", __name__)


@bp.get("/people")
def index():
    """Members, those who have left too, and the invitations that wait."""
    actor = current_actor()
    given = read_parameters("q", "status", *PLACES, "limit")
    filters = queries.UserFilters(given.get("q"), choice_parameter(given, "status", ("active", "deactivated")))
    note_reading_of(actor, "people")
    page = queries.list_users(actor, filters, read_paging(given))
    first = not {"q", "status", *PLACES} & given.keys()
    waiting = waiting_invitations(actor) if first and actor.may("user.invite") else []
    fragment = "users/_chunk.html" if "last" in given else "users/_list.html"
    return show("users/index.html", fragment, page=page_context(page), waiting=waiting)


@bp.get("/people/<int(max=9007199254740991):user_id>", endpoint="show")
def show_user(user_id):
    """One person."""
    actor = current_actor()
    note_reading_of(actor, "people")
    person = queries.get_user(actor, user_id)
    return show("users/show.html", "users/_person.html", person=person, access=access_of_person(actor, person))


@bp.get("/people/<int(max=9007199254740991):user_id>/picture/<uuid:avatar_id>")
def picture(user_id, avatar_id):
    """The picture of somebody who works here."""
    return as_picture(get_avatar(current_actor(), user_id, avatar_id))


@bp.get("/people/<int(max=9007199254740991):user_id>/edit")
def edit(user_id):
    """The form to correct somebody's name."""
    actor = current_actor()
    person = queries.get_user(actor, user_id)
    require(actor, "user.update")
    return _edit_form(person, {"name": person.name, "version": person.version})


@bp.post("/people/<int(max=9007199254740991):user_id>")
def update(user_id):
    """Correct somebody's name."""
    actor = current_actor()
    try:
        changed = commands.update_user(actor, user_id, read_changes(UserChanges, empty={}))
    except Invalid as refused:
        return _edit_form(queries.get_user(actor, user_id), form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        person = queries.get_user(actor, user_id)
        return _edit_form(person, form_values(), conflict=conflict_of(person, form_values()), status=409)
    return go_on(url_for(".show", user_id=user_id), Said(_("The name is {name} now.").format(name=changed.name)))


@bp.get("/people/invite")
def invite():
    """The form to invite somebody."""
    actor = current_actor()
    require(actor, "user.invite")
    return _form(actor, {})


@bp.post("/people/invitations")
@needs_fresh_sign_in_where(gives_power)
def create_invitation():
    """Invite somebody."""
    actor = current_actor()
    try:
        made = ways_in.invite_person(actor, read_form(NewInvitation))
    except Invalid as refused:
        return _form(actor, form_values(), errors=refused.fields, status=422)
    return go_on(url_for(".index"), Said(_("An invitation is on its way to {address}.").format(address=made.email)))


@bp.post("/people/invitations/<uuid:invitation_id>/repetition")
def resend_invitation(invitation_id):
    """Send an invitation again."""
    sent = ways_in.resend_invitation(current_actor(), invitation_id)
    return go_on(
        url_for(".index"),
        Said(_("Sent again to {address}. The earlier link opens nothing any more.").format(address=sent.email)),
    )


@bp.post("/people/invitations/<uuid:invitation_id>/withdrawal")
def withdraw_invitation(invitation_id):
    """Take an invitation back."""
    gone = ways_in.withdraw_invitation(current_actor(), invitation_id)
    return go_on(
        url_for(".index"), Said(_("The invitation of {address} opens nothing any more.").format(address=gone.email))
    )


@bp.get("/people/<int(max=9007199254740991):user_id>/deactivate")
def confirm_deactivate(user_id):
    """Ask before a membership ends."""
    actor = current_actor()
    person = queries.get_user(actor, user_id)
    require(actor, "user.deactivate")
    return show("users/deactivate.html", person=person)


@bp.post("/people/<int(max=9007199254740991):user_id>/deactivation")
@needs_fresh_sign_in_where(person_has_power)
def deactivate(user_id):
    """End a membership."""
    person = commands.deactivate_user(current_actor(), user_id)
    undo = Undo(url_for(".reactivate", user_id=user_id))
    return go_on(url_for(".index"), Said(_("{name} has no access any more.").format(name=person.name), undo))


@bp.post("/people/<int(max=9007199254740991):user_id>/reactivation")
@needs_fresh_sign_in_where(person_has_power)
def reactivate(user_id):
    """Let somebody back in."""
    person = commands.reactivate_user(current_actor(), user_id)
    return go_on(url_for(".index"), Said(_("{name} is back, with the same roles.").format(name=person.name)))


def _edit_form(person, values, *, errors=None, conflict=None, status=200):
    return show(
        "users/edit.html",
        status=status,
        person=person,
        theirs=queries.looks_after_own_name(person.id),
        values=values,
        errors=errors or {},
        conflict=conflict,
    )


def _form(actor, values, *, errors=None, status=200):
    roles = choices_called(roles_to_give(actor))
    if not roles:
        raise Forbidden(phrase("Your roles do not let you give any role."))
    return show("users/invite.html", "users/_form.html", status=status, values=values, errors=errors or {}, roles=roles)
