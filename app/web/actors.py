"""Who is asking, and from where: what every view, layout and line of the log may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Request, g, request, session
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from app.core import clock
from app.core.actor import Actor, Origin, Profile, SignedIn
from app.core.errors import Unauthenticated
from app.core.languages import SOURCE, languages, usual_locale
from app.core.phrases import phrase
from app.models.application_instances import ApplicationInstance
from app.models.users import User

FRESH_FOR = timedelta(minutes=10)


def current_actor() -> Actor:
    """The actor of this request. Only for views that are not public."""
    actor: Actor = g.actor
    return actor


def known_actor() -> Actor | None:
    """The actor of this request, or None where nobody has said who they are: for layouts and the log."""
    return g._get_current_object().__dict__.get("actor")  # pages ask hundreds of times, and a proxy is slow to answer


def current_person() -> SignedIn:
    """Who is signed in, whatever organisation the page is of. Only for views that are not public."""
    return g.signed_in if "signed_in" in g else person_signed_in()  # type: ignore[no-any-return]


def person_signed_in() -> SignedIn:
    """The person of the session. Raises Unauthenticated where there is none."""
    stored: Any = session
    if stored.person is None or stored.row_id is None or stored.signed_in_at is None:
        raise Unauthenticated(phrase("Sign in to go on."))
    person = stored.person
    known = (person.user_id, person.name, person.email)
    return SignedIn(*known, stored.row_id, stored.signed_in_at, origin(), person.profile)


def carry_on_as(user: User) -> None:
    """Answer the person as they have just changed themselves: in the language, say, that they have chosen."""
    g.signed_in = replace(
        current_person(),
        name=user.name,
        profile=Profile(user.time_zone, user.locale, user.avatar_id, user.is_shown, user.is_compact),
    )


def carry_on_in(organisation: ApplicationInstance) -> None:
    """The same in an organisation that has just been changed."""
    actor = current_actor()
    tenant = replace(actor.tenant, name=organisation.name, time_zone=organisation.time_zone, locale=organisation.locale)
    g.actor = replace(actor, tenant=tenant)


def is_fresh() -> bool:
    """Whether the person has proved who they are within the last minutes."""
    proved_at = person_signed_in().signed_in_at
    return proved_at is not None and proved_at > clock.now() - FRESH_FOR


def origin() -> Origin:
    """Where the request comes from. The address is the one that our own proxies vouch for."""
    return Origin(
        request_id=g.get("request_id", ""),
        ip_address=request.remote_addr,
        user_agent=(request.user_agent.string or "")[:400] or None,
        locale=asked_locale(),
    )


def asked_locale() -> str:
    """How things are written in the language that the browser would like best of those that we have."""
    return _locale_of(request.headers.get("Accept-Language", ""), languages())


@lru_cache(maxsize=256)
def _locale_of(wanted: str, spoken: tuple[str, ...]) -> str:
    return usual_locale(parse_accept_header(wanted, LanguageAccept).best_match(spoken) or SOURCE)


def is_api(request: Request) -> bool:
    """Whether the request is for programs: no cookie counts there."""
    return request.path == "/api" or request.path.startswith("/api/")


def asked_about() -> list[UUID]:
    """The ids in the address: of what the request is about."""
    return [value for value in (request.view_args or {}).values() if isinstance(value, UUID)]
