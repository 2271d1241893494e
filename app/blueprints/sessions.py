"""Signing in and out."""

from flask import Blueprint, abort, redirect, request, session, url_for

from app.commands import second_steps
from app.core.actor import Visitor
from app.core.errors import Invalid, RateLimited
from app.queries.accounts import ways_of
from app.queries.identity import tenants_of
from app.schemas.accounts import GivenCode
from app.schemas.sessions import Credentials
from app.web.actors import origin
from app.web.door import public
from app.web.parsing import form_values, read_form
from app.web.responses import show
from app.web.sign_in import device_cookie, first_step, let_in, safe_next, sign_in, sign_out

bp = Blueprint("sessions", __name__)


@bp.get("/")
@public
def root():
    """The way in: to one's own organisation, or to the sign-in page."""
    person = session.person
    if person is None:
        return redirect(url_for(".new"))
    return _into(person.user_id, "")


@bp.get("/sign-in")
@public
def new():
    """The sign-in page."""
    if session.person is not None:
        return _into(session.person.user_id, request.args.get("next", ""))
    return show("sessions/new.html", values={}, errors={}, next=request.args.get("next", ""))


@bp.post("/sign-in")
@public
def create():
    """Sign in and go where one wanted to go."""
    values = form_values()
    try:
        user_id = sign_in(read_form(Credentials))
    except (Invalid, RateLimited) as refused:
        given = {"email": values.get("email", "")}
        told = getattr(refused, "fields", None) or {"_": refused.message}
        page = show("sessions/new.html", status=refused.status, values=given, errors=told, next=values.get("next", ""))
        page.headers.update(refused.headers)
        return page
    if user_id is None:
        return redirect(url_for(".second_step"), 303)
    return _into(user_id, values.get("next", ""))


@bp.get("/organisations")
@public
def choose():
    """The organisations of the person who is signed in, to go to another one."""
    if session.person is None:
        return redirect(url_for(".new"))
    return show("sessions/choose.html", tenants=tenants_of(session.person.user_id))


@bp.get("/sign-in/second-step")
@public
def second_step():
    """The page that asks for the second of two steps."""
    return _second_step_page(first_step(), {}, 200)


@bp.post("/sign-in/second-step")
@public
def take_second_step():
    """Take a code of the app, or a recovery code, and go where one wanted to go."""
    step, visitor = first_step(), Visitor(origin())
    try:
        second_steps.count_code(visitor, step["user_id"], request.cookies.get(device_cookie(), ""))
        how = second_steps.use_code(visitor, step["user_id"], read_form(GivenCode))
        if not how:
            raise Invalid({"code": second_steps.WRONG})
    except (Invalid, RateLimited) as refused:
        told = getattr(refused, "fields", None) or {"_": refused.message}
        page = _second_step_page(step, told, refused.status)
        page.headers.update(refused.headers)
        return page
    let_in(step["user_id"], how)
    return _into(step["user_id"], step["next"])


@bp.post("/sign-out")
@public
def delete():
    """Sign out, and have the browser forget what it kept."""
    sign_out()
    response = redirect(url_for(".new"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _second_step_page(step, errors, status):
    page = show("sessions/second_step.html", status=status, errors=errors, ways=ways_of(step["user_id"]))
    page.headers["Cache-Control"] = "no-store"
    return page


def _into(user_id, wanted):
    """To the page that somebody came for, or to the first organisation of theirs. One who has none sees why."""
    tenants = tenants_of(user_id)
    target = safe_next(wanted)
    if target is not None and target.startswith(("/invitations/", "/account")):
        return redirect(target, 303)
    if target is not None and target.split("/")[2] in {tenant.slug for tenant in tenants}:
        return redirect(target, 303)
    if not tenants:
        abort(403)
    return redirect(url_for("home.start", slug=tenants[0].slug), 303)
