"""Sign up: ask for an organisation, and confirm one's address."""

from flask import Blueprint

from app.commands import sign_ups as commands
from app.core.actor import Visitor
from app.core.errors import Invalid, NotFound, RateLimited
from app.queries.sign_ups import find_sign_up
from app.schemas.sign_ups import NewSignUp, suggested_slug
from app.web.actors import origin
from app.web.door import public
from app.web.parsing import form_values, read_form
from app.web.responses import show

bp = Blueprint("sign_ups", __name__)


@bp.get("/sign-up")
@public
def new():
    """The form for a new organisation."""
    return show("sign_ups/new.html", values={}, errors={})


@bp.post("/sign-up")
@public
def create():
    """Ask for an organisation. The answer is the same for everybody: look into your mail."""
    visitor, values = Visitor(origin()), form_values()
    try:
        wanted = read_form(NewSignUp)
        commands.count_sign_up(visitor, wanted)
        commands.sign_up(visitor, wanted)
    except (Invalid, RateLimited) as refused:
        told = getattr(refused, "fields", None) or {"_": refused.message}
        suggested = {"slug": values.get("slug") or suggested_slug(values.get("name", ""))}
        page = show("sign_ups/new.html", status=refused.status, values=values | suggested, errors=told)
        page.headers.update(refused.headers)
        return page
    return _unkept(show("sign_ups/sent.html", email=wanted.owner_email))


@bp.get("/sign-up/<secret>", endpoint="show")
@public
def show_sign_up(secret):
    """What is made by confirming: a mail scanner that opens the link confirms nothing."""
    wanted = find_sign_up(secret)
    if wanted is None:
        raise NotFound(commands.GONE)
    return _unkept(show("sign_ups/show.html", wanted=wanted, secret=secret))


@bp.post("/sign-up/<secret>")
@public
def confirm(secret):
    """Confirm one's address: the organisation is made."""
    made = commands.confirm_sign_up(Visitor(origin()), secret)
    return _unkept(show("sign_ups/made.html", organisation=made))


def _unkept(page):
    page.headers["Cache-Control"] = "no-store"
    return page
