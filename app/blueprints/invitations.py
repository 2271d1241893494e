"""Accept an invitation: the way in from a mail."""

from flask import Blueprint, session, url_for

from app.commands.invitations import accept_invitation
from app.core.actor import Visitor
from app.core.errors import Invalid, NotFound
from app.queries.invitations import find_invitation
from app.schemas.invitations import NewAccount
from app.web.actors import origin
from app.web.door import public
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.responses import Said, go_on, show
from app.web.sign_in import let_in

bp = Blueprint("invitations", __name__)


@bp.get("/invitations/<secret>", endpoint="show")
@public
def show_invitation(secret):
    """What one is invited to, and what it takes to accept."""
    return _page(secret, {}, {})


@bp.post("/invitations/<secret>")
@public
def accept(secret):
    """Join the organisation, as the person who is signed in or with a new account."""
    found, person = _found(secret), session.person
    try:
        account = None if person or found.has_account else read_form(NewAccount)
        user = accept_invitation(Visitor(origin()), secret, person_id=person and person.user_id, account=account)
    except Invalid as refused:
        return _page(secret, {"name": form_values().get("name", "")}, refused.fields, status=422)
    if person is None:
        let_in(user.user_id, "invitation")
    welcome = Said(_("Welcome to {organisation}.").format(organisation=found.organisation))
    return go_on(url_for("home.start", slug=found.slug), welcome)


def _page(token, values, errors, *, status=200):
    page = show(
        "invitations/show.html",
        status=status,
        invitation=_found(token),
        token=token,
        person=session.person,
        values=values,
        errors=errors,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _found(token):
    found = find_invitation(token)
    if found is None:
        raise NotFound(_("This invitation cannot be used any more. Ask whoever has invited you for a new one."))
    return found
