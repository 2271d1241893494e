"""How long a browser stays signed in: as the organisation wants that it is used in, as the installation allows.

Idle since it was last used, and at all events since somebody last proved who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """The longest that a session may be idle, and the longest that it lasts."""

    idle: timedelta
    lasts: timedelta

    def within(self, bounds: SessionTimes) -> SessionTimes:
        """No longer than `bounds` either."""
        return SessionTimes(min(self.idle, bounds.idle), min(self.lasts, bounds.lasts))

    def allow(self, session: SessionUse, at: datetime) -> bool:
        """Whether a session goes on."""
        return at - session.seen_at < self.idle and at - session.signed_in_at < self.lasts


@dataclass(frozen=True, slots=True)
class SessionUse:
    """When a session was last used, and when somebody last proved in it who they are."""

    seen_at: datetime
    signed_in_at: datetime


# What an organisation begins with, and what holds in none: in one's own account.
ORDINARY = SessionTimes(idle=timedelta(hours=8), lasts=timedelta(days=7))


def times_of(organisation: Any) -> SessionTimes:
    """Those that an organisation has set, from its row."""
    return SessionTimes(
        idle=timedelta(minutes=organisation.session_idle_minutes),
        lasts=timedelta(hours=organisation.session_hours),
    )
