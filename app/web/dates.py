"""How dates, times and numbers are written: in the time zone and the manner of the person who looks (Unicode CLDR).

Every moment on a page comes through here, and says in its title which instant of UTC it is. Who has chosen nothing has
what the organisation has chosen.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time, get_datetime_format
from babel.numbers import format_decimal
from flask import g
from markupsafe import Markup

from app.schemas.locales import LOCALES
from app.web import languages
from app.web.actors import known_actor

NOTHING = "–"
Length = Literal["short", "medium"]  # of a time: to the minute, to the second


class Manner(NamedTuple):
    """How times are written for somebody, on a page in a language."""

    zone: str
    locale: str
    language: str


def day(value: date | None) -> Markup | str:
    """A date, as 22 Nov 2026; that of a moment is the one which the reader has at that moment."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return _moment(value, None)
    return _date(value, locale())


def plain_day(value: datetime) -> str:
    """The same as plain text, for a message."""
    return _date(value.astimezone(zone_of_reader()).date(), locale())


def moment(value: datetime | None) -> Markup | str:
    """A moment, readable by people and programs, as 22 Nov 2026, 14:05."""
    return NOTHING if value is None else _moment(value, "short")


def second(value: datetime | None) -> Markup | str:
    """The same to the second, for trails."""
    return NOTHING if value is None else _moment(value, "medium")


def utc_moment(value: datetime | None) -> Markup | str:
    """A moment in UTC, for sentences that say so themselves: what is printed reads alike everywhere."""
    return NOTHING if value is None else _moment(value, "short", "UTC")


def utc_second(value: datetime | None) -> Markup | str:
    """The same to the second."""
    return NOTHING if value is None else _moment(value, "medium", "UTC")


def attested(value: datetime | None) -> Markup | str:
    """A moment that a certificate states: the reader's own on a screen, and UTC, which it says, on paper."""
    if value is None:
        return NOTHING
    printed = Markup('<span class="on-paper on-paper--inline">{} (UTC)</span>').format(utc_second(value))
    return Markup('<span class="off-paper">{}</span>{}').format(moment(value), printed)


def number(value: float | None) -> str:
    """A number with its thousands apart, as 1,234."""
    return NOTHING if value is None else _number(value, _manner().locale)


def minutes(value: int | None) -> str:
    """A duration in minutes, as 8 h 30 min."""
    return NOTHING if value is None else _minutes(value, _manner().locale)


def read_manner(locale_name: str) -> None:
    """Find out how numbers and dates are written in a locale, which is remembered."""
    _number(1, locale_name)
    _pattern(locale_name)


def locale_choices() -> list[dict[str, str]]:
    """The ways of writing that can be chosen, each by an example."""
    return [{"id": name, "name": f"{example} ({label})"} for name, (label, example) in LOCALES.items()]


def zone() -> str:
    """The time zone of whoever looks."""
    reader = _reader()
    return reader.time_zone if reader is not None else "UTC"


def zone_in_words() -> str:
    """The same, as pages say it."""
    return zone().replace("_", " ")


def locale() -> str:
    """How whoever looks has things written."""
    return languages.locale()


def zone_of_reader() -> tzinfo:
    """The same time zone, to reckon with."""
    return _zone(zone())


def _reader() -> Any:
    """Who looks: somebody at work, or on the pages of their own account."""
    return known_actor() or g.get("signed_in")


def _manner() -> Manner:
    """That of whoever looks: found out once, and again when the door has found out who it is."""
    known: dict[str, Any] = g._get_current_object().__dict__
    who = known.get("actor") or known.get("signed_in")
    found: tuple[Any, Manner] | None = known.get("manner")
    if found is None or found[0] is not who:
        known["manner"] = found = who, Manner(zone(), locale(), languages.language())
    return found[1]


def _moment(value: datetime, length: Length | None, zone_name: str | None = None) -> Markup:
    manner = _manner()
    # In UTC: in the hour that a zone has twice, two moments of it are equal to Python.
    return _element(value.astimezone(UTC), length, zone_name or manner.zone, manner.locale, manner.language)


@lru_cache(maxsize=4096)
def _element(value: datetime, length: Length | None, zone_name: str, locale_name: str, language: str) -> Markup:
    """The newest few are remembered: a list is looked at again, and shows the same moments to everybody."""
    there, exact = value.astimezone(_zone(zone_name)), value.isoformat(" ", "seconds")[:19]
    text = _date(there.date(), locale_name)
    if length is not None:
        written_time = _time(there.hour, there.minute, there.second if length == "medium" else 0, locale_name, length)
        text = _pattern(locale_name).replace("{0}", written_time).replace("{1}", text)
    machine, lang = exact.replace(" ", "T"), _lang(locale_name, language)
    return Markup(f'<time datetime="{machine}+00:00" title="{exact} UTC"{lang}>{text}</time>')  # noqa: S704 (of CLDR)


@lru_cache(maxsize=4096)
def _date(value: date, locale_name: str) -> str:
    return format_date(value, "medium", locale=_babel(locale_name))


@lru_cache(maxsize=4096)
def _time(hour: int, minute: int, second: int, locale_name: str, length: Length) -> str:
    return format_time(time(hour, minute, second), length, locale=_babel(locale_name))


@lru_cache(maxsize=64)
def _pattern(locale_name: str) -> str:
    """How a date {1} and a time {0} are joined."""
    return str(get_datetime_format("medium", locale=_babel(locale_name))).replace("'", "")


def _lang(locale_name: str, language: str) -> str:
    """Names of months are in their own language, where that is not the `language` of the page: a voice should know."""
    own = locale_name.partition("-")[0]
    return "" if own == language else f' lang="{own}"'


@lru_cache(maxsize=4096)
def _number(value: float, locale_name: str) -> str:
    return format_decimal(value, locale=_babel(locale_name))


@lru_cache(maxsize=4096)
def _minutes(value: int, locale_name: str) -> str:
    hours, rest = divmod(value, 60)
    parts = (f"{_number(hours, locale_name)} h" if hours else "", f"{rest} min" if rest or not hours else "")
    return " ".join(part for part in parts if part)


def _babel(locale_name: str) -> str:
    return locale_name.replace("-", "_")


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    """A time zone. One that a later database of zones has dropped reads as UTC."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC
