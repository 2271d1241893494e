"""The filters of the audit trail in the reader's words: the same for the page, the API and an export."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from app.core.errors import InvalidParameter
from app.core.phrases import phrase
from app.queries.audit_events import ACTIONS, SYSTEM, AuditFilters
from app.queries.audit_reading import entity_type_of, kinds
from app.web.dates import second, zone_of_reader
from app.web.languages import translated as _
from app.web.parsing import choice_parameter, number_parameter
from app.web.sentences import in_words

FILTERS = ("person", "kind", "object", "event_type", "action", "from", "to", "request_id")
TIMES = ("from_time", "to_time")  # which pages have beside their days
DONE = {
    "create": phrase("Made"),
    "update": phrase("Changed"),
    "delete": phrase("Deleted"),
    "read": phrase("Read"),
    "certify": phrase("Certified"),
}
MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT_TYPE = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")


def read_filters(given: Mapping[str, str], zone: tzinfo = UTC) -> AuditFilters:
    """The filters in an address. Raises InvalidParameter, naming each that will not do.

    `from` and `to` are dates of the reader's calendar, both of them wanted, or moments with their zone.
    """
    wrong = {}
    kind = given.get("kind")
    if kind is not None and entity_type_of(kind) is None:
        wrong["kind"] = phrase("There is no such kind of thing.")
    event_type = given.get("event_type")
    if event_type is not None and not _EVENT_TYPE.fullmatch(event_type):
        wrong["event_type"] = phrase("This must be a type of event, as task.moved.")
    for name, longest in (("object", 255), ("request_id", 200)):
        if len(given.get(name, "")) > longest:
            wrong[name] = phrase("This is too long.")
    since, until = (_edge(given, name, zone, wrong) for name in ("from", "to"))
    if since and until and since >= until:
        wrong["to"] = phrase("This lies before the beginning.")
    if wrong:
        raise InvalidParameter(wrong)
    return AuditFilters(
        person=SYSTEM if given.get("person") == "system" else number_parameter(given, "person"),
        kind=kind,
        object=given.get("object"),
        event_type=event_type,
        action=choice_parameter(given, "action", ACTIONS),
        since=since,
        until=until,
        request_id=given.get("request_id"),
    )


def joined(given: Mapping[str, str]) -> dict[str, str]:
    """The filters of a page, whose day and time of it are two fields in the reader's zone, as an address has them."""
    filters = {name: given[name] for name in FILTERS if given.get(name)}
    for name in ("from", "to"):
        if at := given.get(f"{name}_time"):
            filters[name] = _moment(given.get(name, ""), at)
    return filters


def _moment(day: str, at: str) -> str:
    """A day and a time of it in the reader's zone, as a moment in UTC; what is neither is left to be refused."""
    try:
        there = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=zone_of_reader())
        return there.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return f"{day}T{at}"


def apart(given: Mapping[str, str]) -> dict[str, str]:
    """What the fields of a page hold for these filters: of a moment its day and its time, in the reader's zone."""
    values = {name: given.get(name, "") for name in (*FILTERS, *TIMES)}
    for name in ("from", "to"):
        if MOMENTS.fullmatch(values[name]):
            try:
                there = datetime.fromisoformat(values[name]).astimezone(zone_of_reader())
            except (ValueError, OverflowError):
                continue
            values |= {name: there.date().isoformat(), f"{name}_time": there.time().isoformat("seconds")}
        for field, form in ((name, _DAY), (f"{name}_time", _TIME)):
            if not form.fullmatch(values[field]):
                values[field] = ""  # a browser shows no other text in such a field, and warns of it
    return values


def told_filters(kept: Mapping[str, Any], people: Mapping[int, str]) -> list[tuple[str, str]]:
    """The filters of an export in words, by name. Nothing means everything that its reader may see."""
    told: dict[str, Callable[[Any], str]] = {
        "person": lambda value: people.get(value, _("number %(number)s") % {"number": value}),
        "system": lambda _value: _("The system itself"),
        "own": lambda _value: _("Yourself"),
        "action": lambda value: _(DONE.get(value, value)),
        "kind": lambda value: in_words(kinds().get(value, value)),
        "objects": lambda value: value[0] if _ID.fullmatch(value[0]) else value[0].upper(),
        "since": lambda value: second(datetime.fromisoformat(value)),
        "until": lambda value: second(datetime.fromisoformat(value)),
        "event_type": str,
        "request_id": str,
    }
    return [(_(_NAMES[name]), told[name](kept[name])) for name in told if name in kept]


_NAMES = {
    "person": phrase("Person"),
    "system": phrase("Person"),
    "own": phrase("Person"),
    "action": phrase("What was done"),
    "kind": phrase("To what kind"),
    "objects": phrase("Number or id"),
    "since": phrase("From"),
    "until": phrase("Before"),
    "event_type": phrase("Type of event"),
    "request_id": phrase("Request"),
}


def _edge(given: Mapping[str, str], name: str, zone: tzinfo, wrong: dict[str, str]) -> datetime | None:
    """The moment at which what is wanted begins or has ended. A date is a whole day."""
    text = given.get(name)
    if text is None:
        return None
    if text.startswith("T"):
        wrong[name] = phrase("Give the day as well.")
        return None
    try:
        if MOMENTS.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
        day = date.fromisoformat(text) if len(text) == 10 else None
        if day is not None and 1970 <= day.year <= 8999:
            after = timedelta(days=1 if name == "to" else 0)
            return datetime.combine(day + after, datetime.min.time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    wrong[name] = phrase("This must be a date, as 2026-11-22, or a moment with its zone, as 2026-11-22T14:05:00Z.")
    return None
