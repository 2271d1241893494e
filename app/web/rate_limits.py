"""Whose requests are counted: those of a person and their key in an organisation, else those of an address.

It comes after finding out who asks, alike for cookies, keys and sockets: neighbours behind one address, who guess or
flood, take nothing away from somebody who is known. Static files and probes never get here. Guesses at passwords are
counted by themselves, in PostgreSQL (app/commands/sessions.py).
"""

from __future__ import annotations

import ipaddress

from flask import current_app, g, request

from app.config import Settings
from app.core.actor import Actor
from app.core.errors import RateLimited
from app.core.phrases import phrase
from app.core.rate_limiting import WINDOW, Count, Subject, count

VIEWS_A_MINUTE = 30  # messages of pages about themselves; the others are let go, and no page is refused for them


def count_actor(actor: Actor) -> None:
    """Count this request as one of a person's at work, and of their key's. Raises RateLimited."""
    settings = _settings()
    subjects = [Subject("person", f"{actor.tenant_id}:{actor.user_id}", settings.rate_person)]
    if actor.authenticated_by == "api_key":
        subjects.append(Subject("key", str(actor.credential_id), settings.rate_key))
    _count(subjects)


def count_person(user_id: int) -> None:
    """Count this request as one of somebody's who is signed in, outside of any organisation. Raises RateLimited."""
    _count([Subject("person", str(user_id), _settings().rate_person)])


def count_address() -> None:
    """Count this request as one of an address, as nobody has said who asks. Raises RateLimited."""
    _count([Subject("address", network(request.remote_addr), _settings().rate_address)])


def tells_too_much(actor: Actor) -> bool:
    """Whether the pages of a person tell of themselves more often than a person can turn them."""
    subject = Subject("page_speed", f"{actor.tenant_id}:{actor.user_id}", VIEWS_A_MINUTE)
    return not count([subject], _settings().web_concurrency)[0].allowed


def headers() -> dict[str, str]:
    """What the client is told of its limits (draft-ietf-httpapi-ratelimit-headers); nothing where none was asked."""
    counts: list[Count] = g.get("rate_limits", [])
    if not counts:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{each.policy}";q={each.limit};w={WINDOW}' for each in counts),
        "RateLimit": ", ".join(f'"{each.policy}";r={each.remaining};t={each.wait}' for each in counts),
    }


def network(address: str | None) -> str:
    """What one client is taken to have: an IPv4 address, or a whole /64 of IPv6, of which anybody has plenty."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found if found.version == 4 else ipaddress.ip_network((int(found), 64), strict=False))


def _count(subjects: list[Subject]) -> None:
    g.rate_limits = count(subjects, _settings().web_concurrency)
    waits = [each.wait for each in g.rate_limits if not each.allowed]
    if waits:
        seconds = max(waits)
        raise RateLimited(
            seconds, phrase("You are asking too often. Try again in %(seconds)s seconds.", seconds=seconds)
        )


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
