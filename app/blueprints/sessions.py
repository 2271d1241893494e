"""Signing in and out."""

from flask import Blueprint, redirect, request, session, url_for

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
from app.web.responses import asked_again, private, show
from app.web.sign_in import first_step, into, let_in, sign_in, sign_out, this_device

bp = Blueprint("sessions", __name__)


@bp.get("/")
@public
def root():
    """The way in: to one's own organisation, or to the sign-in page."""
    person = session.person
    if person is None:
        return redirect(url_for(".new"))
    return into(person.user_id, "")


@bp.get("/sign-in")
@public
def new():
    """The sign-in page."""
    if session.person is not None:
        return into(session.person.user_id, request.args.get("next", ""))
    return show("sessions/new.html", values={}, errors={}, next=request.args.get("next", ""), offer=True)


@bp.post("/sign-in")
@public
def create():
    """Sign in and go where one wanted to go."""
    values = form_values()
    try:
        user_id = sign_in(read_form(Credentials))
    except (Invalid, RateLimited) as refused:
        given = {"email": values.get("email", "")}
        return asked_again(refused, "sessions/new.html", values=given, next=values.get("next", ""), offer=True)
    if user_id is None:
        return redirect(url_for(".second_step"), 303)
    return into(user_id, values.get("next", ""))


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
    return private("sessions/second_step.html", errors={}, ways=ways_of(first_step()["user_id"]))


@bp.post("/sign-in/second-step")
@public
def take_second_step():
    """Take a code of the app, or a recovery code, and go where one wanted to go."""
    step, visitor = first_step(), Visitor(origin())
    try:
        second_steps.count_code(visitor, step["user_id"], this_device())
        how = second_steps.use_code(visitor, step["user_id"], read_form(GivenCode))
        if not how:
            raise Invalid({"code": second_steps.WRONG})
    except (Invalid, RateLimited) as refused:
        return asked_again(refused, "sessions/second_step.html", ways=ways_of(step["user_id"]))
    let_in(step["user_id"], how)
    return into(step["user_id"], step["next"])


@bp.post("/sign-out")
@public
def delete():
    """Sign out, and have the browser forget what it kept."""
    sign_out()
    response = redirect(url_for(".new"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
