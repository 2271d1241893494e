"""Events of the audit trail, as they go out."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.core.parsing import Schema
from app.schemas.fields import Hex, Id, Instant


class AuditEventOut(Schema):
    """One event of the audit trail in JSON, under the column names of the seed."""

    event_id: Id
    event_type: str
    entity_type: str
    entity_id: str
    action: str
    actor_user_id: int | None
    actor_name: str | None
    actor_network: str | None = Field(description="the network of the address, /24 or /48")
    before_state: dict[str, Any]
    after_state: dict[str, Any]
    erased: list[str] = Field(description="fields whose key was destroyed: nobody can read them any more")
    withheld: list[str] = Field(description="fields of things that the reader may not see")
    via: str = Field(description="session, api_key or system")
    credential_id: Id | None
    key_prefix: str | None
    request_id: str | None
    facts: dict[str, Any]
    created_at: Instant

    @classmethod
    def of(cls, event: Any) -> AuditEventOut:
        """The event as `queries.audit_events` gives it."""
        same = {name: getattr(event, name) for name in cls.model_fields if hasattr(event, name)}
        return cls(
            **same,
            actor_network=event.network,
            before_state={change.field: change.before for change in event.changes},
            after_state={change.field: change.after for change in event.changes},
            erased=[change.field for change in event.changes if change.erased],
            withheld=[change.field for change in event.changes if change.withheld],
        )


class HeadOut(Schema):
    """The head of the chain of all events, in JSON."""

    sequence: int
    hash: Hex
    time: Instant
