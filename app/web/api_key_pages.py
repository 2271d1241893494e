"""What the pages of API keys show: permissions grouped and in words, the state of a key, and how long one may last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from app.core import clock
from app.core.actor import Actor
from app.core.roles import OWN_SCOPES, PERMISSIONS
from app.web.dates import plain_day
from app.web.languages import translated as _

TICKED = "scope."  # what the name of a ticked permission begins with in a form


def kinds() -> dict[str, str]:
    """What permissions are about, in the order in which they are shown."""
    return {
        "program": _("Programs"),
        "task": _("Tasks"),
        "certification": _("Certifications"),
        "policy": _("Policies"),
        "user": _("People"),
        "user_group": _("Groups"),
        "access_role": _("Roles"),
        "access_grant": _("Who has which role"),
        "api_key": _("API keys"),
        "audit_event": _("Audit trail"),
        "application_instance": _("Organisation"),
    }


def choices(actor: Actor) -> list[dict[str, Any]]:
    """The permissions that somebody has and can hand on to a key of theirs, by kind."""
    found = []
    for kind, label in kinds().items():
        permissions = [
            {"id": name, "name": _(about)}
            for name, about in PERMISSIONS.items()
            if name.startswith(f"{kind}.") and actor.may_somewhere(name)
        ]
        if permissions:
            found.append({"id": kind, "name": label, "permissions": permissions})
    own = [{"id": name, "name": _(about)} for name, about in OWN_SCOPES.items()]
    return [*found, {"id": "own", "name": _("Own account"), "permissions": own}]


def ticked(form: Mapping[str, str]) -> list[str]:
    """The permissions that were ticked in the form for a new key."""
    return [name.removeprefix(TICKED) for name in form if name.startswith(TICKED)]


def without_ticks(form: Mapping[str, str]) -> dict[str, str]:
    """The other fields of that form."""
    return {name: value for name, value in form.items() if not name.startswith(TICKED)}


def lasting() -> list[dict[str, str]]:
    """How long a new key may last: what is usual, a day of one's choice, or for ever."""
    days = [(number, clock.now() + timedelta(days=number)) for number in (30, 90, 365)]
    usual = [
        {"id": str(number), "name": _("{days} days, until {day}").format(days=number, day=plain_day(end))}
        for number, end in days
    ]
    return [
        *usual,
        {"id": "date", "name": _("Until a day that I choose")},
        {"id": "never", "name": _("Without an end, until it is revoked")},
    ]


def overlaps() -> list[dict[str, str]]:
    """For how long the old secret may be good after a rotation."""
    return [
        {"id": "0", "name": _("It ends at once")},
        {"id": "1", "name": _("One hour")},
        {"id": "24", "name": _("One day")},
        {"id": "72", "name": _("Three days")},
        {"id": "168", "name": _("Seven days")},
    ]


def told(key: Any) -> dict[str, Any]:
    """A key as its row in the list shows it."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": in_words(key.scopes),
        "networks": key.networks,
        "user_id": key.user_id,
        "user_name": key.user_name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "last_used_network": key.last_used_network,
        "state": _state(key),
    }


def in_words(scopes: Iterable[str]) -> list[str]:
    """What a key may do; nothing in the list means everything that its person may."""
    known = PERMISSIONS | OWN_SCOPES
    return [_(known.get(scope, scope)) for scope in scopes if scope != "*"]


def _state(key: Any) -> str:
    """One of revoked, ended, replaced, ending, active."""
    if key.revoked_at is not None:
        return "revoked"
    if key.has_ended:
        return "ended"
    if key.is_replaced:
        return "replaced"
    soon = key.expires_at is not None and key.expires_at - clock.now() < timedelta(days=14)
    return "ending" if soon else "active"
