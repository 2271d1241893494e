"""The jobs that close an organisation when its day has come, and remind its owners before."""

from __future__ import annotations

from uuid import UUID

from app.commands.organisations import finish_closing, remind_of_closing
from app.core.actor import Actor


def close(actor: Actor, _tenant_id: UUID) -> None:
    """Close the organisation, unless somebody has kept it since the job was left."""
    finish_closing(actor)


def remind(actor: Actor, _tenant_id: UUID) -> None:
    """Tell its owners that the organisation closes in a few days. Running it again tells them nothing."""
    remind_of_closing(actor)
