"""Moments as text: RFC 3339 in UTC, always with six digits, so that one moment has one spelling."""

import re
from datetime import UTC, datetime, timedelta

CLOCK_SKEW = timedelta(seconds=60)
"""How far two honest clocks may disagree."""

FIRST_YEAR, LAST_YEAR = 1970, 8999  # so that adding a validity to a moment never overflows

_SPELLING = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def format_moment(moment: datetime) -> str:
    """Spell an aware datetime, such as `2026-11-22T20:42:00.000000Z`. Raises ValueError for a naive one."""
    if moment.utcoffset() is None:
        raise ValueError("a moment must know its time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """Read what `format_moment` wrote. Raises ValueError for any other spelling, and before 1970 or after 8999."""
    if not _SPELLING.fullmatch(text):
        raise ValueError("not a moment such as 2026-11-22T20:42:00.000000Z")
    moment = datetime.fromisoformat(text)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("not a moment that can be reckoned with here")
    return moment
