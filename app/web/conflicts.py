"""Two people changed the same thing: what the second one is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.phrases import phrase
from app.web.languages import translated as _

_LABELS = {
    "name": phrase("Name"),
    "description": phrase("Description"),
    "estimate_minutes": phrase("Estimate in minutes"),
} | {
    "time_zone": phrase("Time zone"),
    "locale": phrase("How dates are written"),
    "working_days": phrase("Working days, Monday is 1"),
    "currency": phrase("Currency"),
    "session_idle_minutes": phrase("Minutes without use after which a browser is signed out"),
    "session_hours": phrase("Hours after which a browser is signed out"),
}


def conflict_of(row: Any, mine: Mapping[str, Any]) -> dict[str, Any]:
    """Their values beside mine, field by field, and the version that a new try starts from."""
    fields = [
        {"name": name, "label": _(label), "theirs": _text(getattr(row, name)), "mine": _text(mine.get(name, ""))}
        for name, label in _LABELS.items()
        if hasattr(row, name) and name in mine
    ]
    return {"fields": [each for each in fields if each["theirs"] != each["mine"]], "version": row.version}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
