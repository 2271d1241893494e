"""The job that keeps texts short which are written together."""

from __future__ import annotations

from uuid import UUID

from app.commands.shared_texts import compact_shared_text
from app.core.actor import Actor


def compact(actor: Actor, text_id: UUID) -> None:
    """Put the updates of a text together. Running it again changes nothing."""
    compact_shared_text(actor, text_id)
