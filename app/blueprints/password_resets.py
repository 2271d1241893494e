"""A forgotten password: ask for a link, and set a new one by it."""

from flask import Blueprint, redirect, url_for

from app.commands import password_resets as commands
from app.core.actor import Visitor
from app.core.errors import Invalid, NotFound, RateLimited
from app.queries.password_resets import find_password_reset
from app.schemas.password_resets import Reset, ResetWish
from app.web.actors import origin
from app.web.door import public
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.reset_links import drop_link, keep_link, kept_link
from app.web.responses import Said, go_on, show
from app.web.sign_in import know_this_device, sign_out

bp = Blueprint("password_resets", __name__)


@bp.get("/password-reset")
@public
def new():
    """The form that asks for a link."""
    return _asking({}, {})


@bp.post("/password-reset")
@public
def create():
    """Ask for a link. The answer is the same for everybody: look into your mail."""
    visitor = Visitor(origin())
    try:
        wish = read_form(ResetWish)
        commands.count_wish(visitor, wish)
        commands.ask_for_reset(visitor, wish)
    except (Invalid, RateLimited) as refused:
        told = getattr(refused, "fields", None) or {"_": refused.message}
        page = _asking({"email": form_values().get("email", "")}, told, refused.status)
        page.headers.update(refused.headers)
        return page
    return _unkept(show("password_resets/sent.html", email=wish.email))


@bp.get("/password-reset/<secret>")
@public
def take(secret):
    """Take the secret out of the address at once. A mail scanner that opens the link uses nothing up."""
    if find_password_reset(secret) is None:
        return _gone()
    return keep_link(redirect(url_for(".edit"), 303), secret)


@bp.get("/new-password")
@public
def edit():
    """The form of a new password, for whoever came by a link."""
    return _form({})


@bp.post("/new-password")
@public
def update():
    """Set the new password. Nobody is signed in here afterwards, not even who was."""
    try:
        user = commands.reset_password(Visitor(origin()), kept_link(), read_form(Reset))
    except NotFound:
        return _gone()
    except Invalid as refused:
        return _form(refused.fields, refused.status)
    know_this_device(user.user_id)
    sign_out()
    return drop_link(go_on(url_for("sessions.new"), Said(_("Your password is changed. Sign in with the new one."))))


def _asking(values, errors, status=200, *, gone=False):
    return show("password_resets/new.html", status=status, values=values, errors=errors, gone=gone)


def _form(errors, status=200):
    user = find_password_reset(kept_link())
    if user is None:
        return _gone()
    return _unkept(show("password_resets/edit.html", status=status, email=user.email, errors=errors))


def _gone():
    return drop_link(_unkept(_asking({}, {}, NotFound.status, gone=True)))


def _unkept(page):
    page.headers["Cache-Control"] = "no-store"
    return page
