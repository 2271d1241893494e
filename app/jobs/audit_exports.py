"""The job that writes an export of the audit trail. It goes on where a worker that died has stopped.

A long one is written in several turns: mails and certifications that wait behind it are not kept waiting for minutes.
"""

from __future__ import annotations

import time
from uuid import UUID

from app.commands import audit_exports as commands
from app.core.actor import Actor
from app.core.database import db

A_TURN = 10.0  # seconds


def write(actor: Actor, export_id: UUID) -> None:
    """Write the parts that are missing, for as long as a turn lasts. Memory holds one part at a time."""
    ends_at = time.monotonic() + A_TURN
    while commands.write_audit_export_part(actor, export_id):
        db.session.expunge_all()
        if time.monotonic() >= ends_at:
            commands.go_on_with_audit_export(actor, export_id)
            return


def give_up(actor: Actor, export_id: UUID, _reason: str) -> None:
    """Say that it could not be written."""
    commands.fail_audit_export(actor, export_id)
