"""What has happened to a thing, as it goes out."""

from __future__ import annotations

from typing import Any

from app.core.parsing import Schema
from app.schemas.fields import Id, Instant


class ChangeOut(Schema):
    """One field of an event before and after, in JSON; null where it was empty, or was erased."""

    field: str
    before: Any
    after: Any


class EventOut(Schema):
    """One thing that happened to a task or a program, in JSON."""

    event_id: Id
    event_type: str
    action: str
    actor_user_id: int | None
    changes: list[ChangeOut]
    facts: dict[str, Any]
    created_at: Instant

    @classmethod
    def of(cls, event: Any) -> EventOut:
        """The event as `queries.history` gives it."""
        return cls.model_validate(event, from_attributes=True)
