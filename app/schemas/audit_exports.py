"""Exports of the audit trail, as they are asked for and told of."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app.core.parsing import Schema
from app.schemas.fields import Id, Instant, ShortLine


class NewAuditExport(Schema):
    """Which part of the trail, in which format. The filters are those of the list, by the same names."""

    format: Literal["csv", "jsonl"] = "csv"
    person: ShortLine | None = None
    kind: ShortLine | None = None
    object: ShortLine | None = None
    event_type: ShortLine | None = None
    action: ShortLine | None = None
    since: ShortLine | None = None
    until: ShortLine | None = None
    request_id: ShortLine | None = None

    def parameters(self) -> dict[str, str]:
        """The filters as the address of the list has them."""
        given = self.model_dump(exclude={"format"}, exclude_none=True)
        return {{"since": "from", "until": "to"}.get(name, name): value for name, value in given.items()}


class AuditExportForm(Schema):
    """The form of an export. All fields but the format are filters of the trail, which are read as they are there."""

    format: Literal["csv", "jsonl"] = "csv"
    person: ShortLine | None = None
    kind: ShortLine | None = None
    object: ShortLine | None = None
    event_type: ShortLine | None = None
    action: ShortLine | None = None
    since: ShortLine | None = Field(None, alias="from")
    from_time: ShortLine | None = None
    until: ShortLine | None = Field(None, alias="to")
    to_time: ShortLine | None = None
    request_id: ShortLine | None = None


class AuditExportOut(Schema):
    """An export in JSON."""

    id: Id
    format: str
    state: str
    rows_total: int | None
    rows_done: int
    created_at: Instant
    ready_at: Instant | None
    expires_at: Instant | None

    @classmethod
    def of(cls, export: Any, state: str) -> AuditExportOut:
        """The export with the state that it has now."""
        return cls(**{name: getattr(export, name) for name in cls.model_fields if name != "state"}, state=state)
