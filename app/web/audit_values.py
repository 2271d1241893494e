"""Before and after as an auditor reads them: ids by their names, nested values path by path, texts word by word.

What somebody has typed stands there as it was typed, with what cannot be seen in it spelt out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from app.core.roles import PERMISSIONS
from app.queries.audit_reading import REFERENCES, AuditEvent, Change
from app.web.audit_filters import MOMENTS
from app.web.built_in import called
from app.web.dates import day, second
from app.web.languages import translated as _
from app.web.sentences import in_words
from app.web.visible_text import visible, visible_blanks
from app.web.word_diff import Piece, is_long, word_diff

MOST_ROWS = 100  # of one nested value; who needs the rest has the API and exports
KEPT = 120  # characters that stay on either side of what was changed, where a long text is shown in short

_MOMENT_FIELD = re.compile(r".*(_at|_until)|since|until")
_DATE_FIELD = re.compile(r".*(_on|_of|_date)|date")
_MONEY = {"amount", "currency"}
_NOTHING = (None, "", [], {})


def shown_changes(event: AuditEvent, *, in_short: bool) -> list[dict[str, Any]]:
    """What changed, field by field, without what says nothing. `in_short` leaves out most of what stayed."""
    return [row for change in event.changes if not _says_nothing(change) for row in _rows(event, change, in_short)]


def shown_value(event: AuditEvent, name: str, value: Any) -> str | None:
    """A value as people read it: the name of what an id stands for, words for yes and no. None for nothing."""
    if value in _NOTHING:
        return None
    named = event.things.get((REFERENCES.get(name, ""), str(value)))
    if named is not None:
        return visible(_name_of(named, name))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_item(event, name, each) for each in value)
    if isinstance(value, dict):
        return _money(value) or ", ".join(
            f"{in_words(key).lower()} {_item(event, key, each)}" for key, each in value.items()
        )
    return _moment(name, value) if isinstance(value, str) else str(value)


def _rows(event: AuditEvent, change: Change, in_short: bool) -> Iterator[dict[str, Any]]:
    label = in_words(change.field.removesuffix("_id"))
    if change.erased or change.withheld:
        yield _row(label, erased=change.erased, withheld=change.withheld)
        return
    if not (_is_nested(change.before) or _is_nested(change.after)):
        yield _compared(event, label, change.field, (change.before, change.after), in_short)
        return
    was, now = _leaves(change.before), _leaves(change.after)
    differing = [path for path in dict.fromkeys([*was, *now]) if was.get(path) != now.get(path)]
    for path in differing[:MOST_ROWS]:
        named = " › ".join([label, *(in_words(part) for part in path)])
        yield _compared(event, named, path[-1] if path else change.field, (was.get(path), now.get(path)), in_short)
    if len(differing) > MOST_ROWS:
        yield _row(label, after=_("and %(count)s more") % {"count": len(differing) - MOST_ROWS})


def _compared(event: AuditEvent, label: str, name: str, values: tuple[Any, Any], in_short: bool) -> dict[str, Any]:
    before, after = (shown_value(event, name, value) for value in values)
    pieces: list[Piece] | None = None
    if all(isinstance(value, list) and value for value in values):
        pieces = _items(*([_item(event, name, each) for each in value] for value in values))
    elif not isinstance(before, Markup) and (is_long(before, after) or _differ_unseen(before, after)):
        pieces = _marked(word_diff(str(before), str(after)))
    if pieces and in_short:
        pieces = _shortened(pieces)
    return _row(label, before, after, pieces=pieces, says_nothing=event.action == "update")


def _row(label: str, before: str | None = None, after: str | None = None, **more: Any) -> dict[str, Any]:
    usual = {"erased": False, "withheld": False, "pieces": None, "says_nothing": False}
    of = label.partition(" › ")[0]
    return {"field": label, "of": of, "before": before, "after": after} | usual | more


def _says_nothing(change: Change) -> bool:
    nothing = (*_NOTHING, False)
    return change.before in nothing and change.after in nothing and not (change.erased or change.withheld)


# --- nested values ---


def _is_nested(value: Any) -> bool:
    if isinstance(value, dict):
        return _money(value) is None
    return isinstance(value, list) and any(isinstance(each, dict | list) for each in value)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value that holds no others, by the way to it. A place in a list is counted from 1."""
    if not _is_nested(value):
        return {} if path == () and value is None else {path: value}
    inside = value.items() if isinstance(value, dict) else enumerate(value, start=1)
    return {way: leaf for key, each in inside for way, leaf in _leaves(each, (*path, str(key))).items()}


def _money(value: dict[str, Any]) -> str | None:
    return f"{value['amount']} {value['currency']}" if value.keys() == _MONEY else None


def _item(event: AuditEvent, name: str, value: Any) -> str:
    """One of several: a permission in words, a thing by its name where the trail knows it."""
    if isinstance(value, dict | list):
        return shown_value(event, name, value) or "–"
    found = event.things.get((REFERENCES.get(name, ""), str(value)))
    if found is not None:
        return visible(_name_of(found, name))
    return _(PERMISSIONS[value]) if value in PERMISSIONS else visible(str(value))


def _name_of(thing: Any, field: str) -> str:
    return called(thing.name) if REFERENCES.get(field) == "AccessRole" else thing.name


def _items(before: list[str], after: list[str]) -> list[Piece] | None:
    """A list as what was taken out, what was put in, and what stayed. None where only the order is another."""
    gone, new = [each for each in before if each not in after], [each for each in after if each not in before]
    if not gone and not new:
        return None
    kept = [each for each in after if each in before]
    groups: list[Piece] = [("gone", ", ".join(gone)), ("new", ", ".join(new)), ("same", ", ".join(kept))]
    shown: list[Piece] = []
    for how, text in groups:
        if text:
            shown += [("same", " · "), (how, text)] if shown else [(how, text)]
    return shown


# --- texts ---


def _moment(name: str, text: str) -> str:
    """A text of a field for moments or days as such; every other text as it was typed."""
    try:
        if _MOMENT_FIELD.fullmatch(name) and MOMENTS.fullmatch(text):
            return second(datetime.fromisoformat(text))
        if _DATE_FIELD.fullmatch(name) and len(text) == len("2026-11-22"):
            return day(date.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    return visible(text)


def _differ_unseen(before: str | None, after: str | None) -> bool:
    """Whether all that differs are spaces and line ends."""
    return before is not None and after is not None and before != after and before.split() == after.split()


def _marked(pieces: list[Piece]) -> list[Piece]:
    """Pieces in which also blanks that came or went are seen."""
    return [(how, text if how == "same" else visible_blanks(text)) for how, text in pieces]


def _shortened(pieces: list[Piece]) -> list[Piece]:
    """What came and went, with the words around it. The page of the event has the whole."""
    last = len(pieces) - 1
    return [
        (how, _cut(text, at_begin=place == 0, at_end=place == last) if how == "same" else text)
        for place, (how, text) in enumerate(pieces)
    ]


def _cut(text: str, *, at_begin: bool, at_end: bool) -> str:
    if len(text) <= 2 * KEPT:
        return text
    head = "" if at_begin else text[:KEPT].rpartition(" ")[0] or text[:KEPT]
    tail = "" if at_end else text[-KEPT:].partition(" ")[2] or text[-KEPT:]
    return f"{head} … {tail}"
