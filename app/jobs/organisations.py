"""The job that closes an organisation when its day has come."""

from __future__ import annotations

from uuid import UUID

from app.commands.organisations import finish_closing
from app.core.actor import Actor


def close(actor: Actor, _tenant_id: UUID) -> None:
    """Close the organisation, unless somebody has kept it since the job was left."""
    finish_closing(actor)
