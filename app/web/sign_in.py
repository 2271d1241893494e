"""Signing in, with its second step, and signing out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, after_this_request, current_app, redirect, request, session, url_for
from flask_login import login_user, logout_user
from werkzeug.exceptions import HTTPException

from app.commands import sessions as commands
from app.core import clock
from app.core.actor import Visitor
from app.core.errors import Unauthenticated
from app.core.ids import new_token
from app.core.phrases import phrase
from app.queries.accounts import ways_of
from app.queries.identity import tenants_of
from app.schemas.sessions import Credentials
from app.web.actors import origin
from app.web.stored_sessions import PROVED_BY, Person

SECOND_STEP_WITHIN = timedelta(minutes=10)


def sign_in(given: Credentials) -> int | None:
    """Check a password. Raises Invalid or RateLimited.

    Returns the id of the person, who is signed in now; None where the password is only the first of two steps.
    """
    visitor, device = Visitor(origin()), this_device()
    commands.count_guess(visitor, given, device)
    user_id, password = commands.check_credentials(visitor, given, device)
    _note_first_step(user_id, password, given.next)
    if ways_of(user_id).has_second_step:
        return None
    let_in(user_id, "password")
    return user_id


def let_in(user_id: int, how: str) -> None:
    """Sign a person in who has shown all that they had to, under a new session id."""
    step = session.get("first_step", {})
    commands.note_sign_in(Visitor(origin()), user_id, how)
    begin_session(user_id)
    if step.get("user_id") == user_id:
        session[PROVED_BY] = step.get(PROVED_BY)
    know_this_device(user_id)


def begin_session(user_id: int) -> None:
    """Let this browser be somebody, under a new session id."""
    session.clear()
    session.rotate = True  # type: ignore[attr-defined]
    login_user(Person(user_id, "", ""))


def count_own_guess(given: Credentials) -> None:
    """Count a guess at the password of who is signed in. Raises RateLimited."""
    commands.count_guess(Visitor(origin()), given, this_device())


def _note_first_step(user_id: int, password: str, wanted: str) -> None:
    """Remember, in this session only and for some minutes, whose password was right. Nobody is signed in by it."""
    session.clear()
    session.rotate = True  # type: ignore[attr-defined]
    until = clock.now() + SECOND_STEP_WITHIN
    session["first_step"] = {"user_id": user_id, PROVED_BY: password, "until": until.isoformat(), "next": wanted}


def first_step() -> dict[str, Any]:
    """Whose password was right in this session, and where they wanted to go. Raises Unauthenticated for nobody's."""
    step: dict[str, Any] | None = session.get("first_step")
    if step is None or datetime.fromisoformat(step["until"]) < clock.now():
        session.pop("first_step", None)
        raise Unauthenticated(phrase("Sign in to go on."))
    return step


def confirmed(password: str | None = None) -> None:
    """Somebody who is signed in has just proved it again: they get a new session id, and their session is fresh."""
    session.rotate = session.goes_on = True  # type: ignore[attr-defined]
    if password is not None:
        session[PROVED_BY] = password


def device_cookie() -> str:
    """The name of the cookie by which a browser is known as one of a person's. It lets nobody in."""
    return "__Host-device" if current_app.config["SETTINGS"].https else "device"


def this_device() -> str:
    """The cookie of this browser, by which it may be known as one of a person's; empty where it has none."""
    return request.cookies.get(device_cookie(), "")


def know_this_device(user_id: int) -> None:
    """Remember this browser as one of the person's, whose guesses are counted by themselves."""
    token = new_token()
    commands.keep_device(Visitor(origin()), user_id, token)

    @after_this_request
    def _set_cookie(response: Response) -> Response:
        lasts = int(commands.KNOWN_FOR.total_seconds())
        https = current_app.config["SETTINGS"].https
        response.set_cookie(
            device_cookie(), token, max_age=lasts, path="/", httponly=True, samesite="Lax", secure=https
        )
        return response


def sign_out() -> None:
    """End the session here and in the database."""
    logout_user()
    session.clear()
    session.rotate = True  # type: ignore[attr-defined]  # what is kept from now on is another's


def into(user_id: int, wanted: str) -> Response:
    """To the page that somebody came for, or to the first organisation of theirs. One who has none sees why."""
    tenants = tenants_of(user_id)
    target = safe_next(wanted)
    if target is not None and target.startswith(("/invitations/", "/account")):
        return redirect(target, 303)  # type: ignore[return-value]
    if target is not None and target.split("/")[2] in {tenant.slug for tenant in tenants}:
        return redirect(target, 303)  # type: ignore[return-value]
    if not tenants:
        abort(403)
    return redirect(url_for("home.start", slug=tenants[0].slug), 303)  # type: ignore[return-value]


def safe_next(target: str) -> str | None:
    """`target` if it is a path on this site that a GET may go to, else None: never somebody else's address."""
    parts = urlsplit(target)
    bad = parts.scheme or parts.netloc or "\\" in target or any(ord(c) < 33 for c in target)
    ours = target.startswith(("/o/", "/invitations/", "/account/")) or target == "/account"
    return target if ours and not bad else None


def started_from() -> str | None:
    """The page of ours that the request comes from, if one can go there: the address of an action is none."""
    parts = urlsplit(request.referrer or "")
    target = safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    if target is None or parts.netloc != request.host:
        return None
    try:
        current_app.url_map.bind(request.host).match(parts.path, "GET")
    except HTTPException:
        return None
    return target
