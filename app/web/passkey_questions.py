"""Questions to authenticators: put into the session of the browser that is asked, for a few minutes and one answer.

Each purpose has a question of its own, so that an answer to "Is it you?" adds no passkey, and the other way round.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import Response, current_app, session

from app.commands.passkeys import use_up_question
from app.core import clock
from app.core.actor import SignedIn, Visitor
from app.core.authenticators import SECONDS, Asked, question_for_key, question_for_new_key
from app.core.errors import Invalid, NotFound
from app.queries.accounts import ways_of
from app.web.actors import origin
from app.web.languages import translated as _

Purpose = Literal["signing_in", "second_step", "confirmation", "registration"]


def ask_for_new_passkey(person: SignedIn) -> Response:
    """Have the browser make a passkey, on no device that holds one of the person's already."""
    known = ways_of(person.user_id).passkeys
    asked = _remember("registration", known[0].user_handle if known else secrets.token_bytes(32))
    ids = [passkey.credential_id for passkey in known]
    return _as_json(question_for_new_key(asked, email=person.email, name=person.name, known=ids))


def ask_for_passkey(purpose: Purpose, user_id: int | None = None) -> Response:
    """Have the browser show a passkey: one of a person's, or, where nobody has said who they are, any of this site."""
    usable = [] if user_id is None else ways_of(user_id).passkeys_to_use
    return _as_json(question_for_key(_remember(purpose), allowed=[passkey.credential_id for passkey in usable]))


def question_of(purpose: Purpose) -> Asked:
    """The question that this session was asked last, which is used up by this. Raises Invalid where there is none."""
    name = _name(purpose)
    kept: dict[str, Any] | None = session.pop(name, None)
    if kept is None or datetime.fromisoformat(kept["until"]) < clock.now():
        raise Invalid({"_": _("That took too long, or was answered already. Try again.")})
    try:
        use_up_question(Visitor(origin()), session.row_id, name, kept["challenge"])  # type: ignore[attr-defined]
    except NotFound:
        raise Invalid({"_": _("That took too long, or was answered already. Try again.")}) from None
    return _ask_at(bytes.fromhex(kept["challenge"]), bytes.fromhex(kept["user_handle"]))


def _remember(purpose: Purpose, user_handle: bytes = b"") -> Asked:
    asked = _ask_at(secrets.token_bytes(32), user_handle)
    session[_name(purpose)] = {
        "challenge": asked.challenge.hex(),
        "user_handle": user_handle.hex(),
        "until": (clock.now() + timedelta(seconds=SECONDS)).isoformat(),
    }
    return asked


def _ask_at(challenge: bytes = b"", user_handle: bytes = b"") -> Asked:
    """A question of this site: where we are is fixed by the settings, never by what a request says."""
    return Asked(current_app.config["SETTINGS"].base_url, challenge, user_handle)


def _name(purpose: Purpose) -> str:
    return f"passkey_for_{purpose}"


def _as_json(question: dict[str, Any]) -> Response:
    response: Response = current_app.json.response(question)  # type: ignore[assignment]
    response.headers["Cache-Control"] = "no-store"
    return response
