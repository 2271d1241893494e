"""`announce`: what a command says of a thing that it changed, once the change is committed.

`announce_own`: the same of what somebody has in no organisation: their account.
`announce_member`: the same of a person to those they work with.
`say_farewell`: whose sockets end with it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core import live
from app.core.transaction import required_unit


def announce(subject: Any, event: str = "updated", *, taken_off: int | None = None) -> None:
    """Tell open pages after the commit that `subject` was created, updated or deleted, and whom it was taken from."""
    required_unit().announcements.append(live.announcement(subject, event, taken_off=taken_off))


def announce_own(user_id: int, event: str = "updated") -> None:
    """Tell the open pages of a person after the commit that something of their account has changed."""
    required_unit().announcements.append(live.own_announcement(user_id, event))


def announce_member(tenant_id: UUID, user: Any) -> None:
    """Tell open pages after the commit that a person in an organisation has come or gone, or looks different."""
    required_unit().announcements.append(live.member_announcement(tenant_id, user.id, user.version))


def say_farewell(
    *, session_id: UUID | None = None, user_id: int | None = None, tenant_id: UUID | None = None, again: bool = False
) -> None:
    """Have the sockets of a session, or of a person, an organisation or a person in one, closed after the commit."""
    assert session_id or user_id or tenant_id, "Whose sockets?"
    farewell = live.Farewell(
        session_id=str(session_id) if session_id else None,
        user_id=user_id,
        tenant_id=str(tenant_id) if tenant_id else None,
        again=again,
    )
    required_unit().farewells.append(farewell)
