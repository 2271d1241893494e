"""How long people may stay signed in, to choose from on a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.core.session_times import SessionTimes
from app.web.templating import plural

_IDLE = tuple(timedelta(minutes=each) for each in (5, 15, 30, 60, 120, 240, 480, 720, 1440))
_LASTS = tuple(timedelta(hours=each) for each in (1, 8, 12, 24, 72, 168, 336, 720))
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def idle_choices(bounds: SessionTimes, chosen: Any) -> list[dict[str, Any]]:
    """Times without use, in minutes, up to what the installation allows; and the one that is chosen."""
    return _choices(_IDLE, bounds.idle, _MINUTE, chosen)


def lasting_choices(bounds: SessionTimes, chosen: Any) -> list[dict[str, Any]]:
    """Times at all events, in hours, up to what the installation allows; and the one that is chosen."""
    return _choices(_LASTS, bounds.lasts, _HOUR, chosen)


def _choices(offered: tuple[timedelta, ...], most: timedelta, unit: timedelta, chosen: Any) -> list[dict[str, Any]]:
    times = {each for each in offered if each <= most}
    if str(chosen).isdecimal() and len(str(chosen)) < 6:
        times.add(int(chosen) * unit)
    return [{"id": each // unit, "name": _in_words(each)} for each in sorted(times)]


def _in_words(time: timedelta) -> str:
    """A time in the largest unit that leaves nothing over."""
    if time % _DAY == timedelta():
        return plural("{count} day", "{count} days", time // _DAY).format(count=time // _DAY)
    if time % _HOUR == timedelta():
        return plural("{count} hour", "{count} hours", time // _HOUR).format(count=time // _HOUR)
    return plural("{count} minute", "{count} minutes", time // _MINUTE).format(count=time // _MINUTE)
