"""What the audit trail keeps of a row: the fields its model names, as JSON, and which of them changed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.money import Money
from app.core.transaction import current_unit


def remember(row: Any) -> None:
    """Keep the row as it is now, so that `changes` can tell later what a command did to it."""
    unit = current_unit()
    if unit is not None and hasattr(row, "audited") and id(row) not in unit.before:
        unit.before[id(row)] = (row, state(row))


def remember_as(row: Any, was: dict[str, Any]) -> None:
    """Keep the row as it is now but for the fields in `was`: for one change that several trails tell."""
    unit = current_unit()
    if unit is not None:
        unit.before[id(row)] = (row, state(row) | was)


def changes(row: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The changed fields of `row` before and after. A row that was not fetched is new: nothing before, all after."""
    unit = current_unit()
    after = state(row)
    if unit is None or id(row) not in unit.before:
        return None, after
    before = unit.before[id(row)][1]
    unit.before[id(row)] = (row, after)
    changed = [name for name in after if after[name] != before[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def state(row: Any) -> dict[str, Any]:
    """The audited fields of `row` as JSON values."""
    return {name: _plain(getattr(row, name)) for name in row.audited}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
