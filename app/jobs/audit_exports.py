"""The job that writes an export of the audit trail. It goes on where a worker that died has stopped."""

from __future__ import annotations

from uuid import UUID

from app.commands import audit_exports as commands
from app.core.actor import Actor
from app.core.database import db


def write(actor: Actor, export_id: UUID) -> None:
    """Write every part that is missing. Memory holds one at a time."""
    while commands.write_audit_export_part(actor, export_id):
        db.session.expunge_all()


def give_up(actor: Actor, export_id: UUID, _reason: str) -> None:
    """Say that it could not be written."""
    commands.fail_audit_export(actor, export_id)
