"""The job that writes an export of the audit trail. It goes on where a worker that died has stopped.

A long one is written in several turns: mails and certifications that wait behind it are not kept waiting for minutes.
"""

from __future__ import annotations

import time
from uuid import UUID

from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError

from app.commands import audit_exports as commands
from app.core.actor import Actor
from app.core.database import db

A_TURN = 10.0  # seconds


def write(actor: Actor, export_id: UUID) -> None:
    """Write the parts that are missing, for as long as a turn lasts. Memory holds one part at a time."""
    _count(actor, export_id)
    ends_at = time.monotonic() + A_TURN
    while commands.write_audit_export_part(actor, export_id):
        db.session.expunge_all()
        if time.monotonic() >= ends_at:
            commands.go_on_with_audit_export(actor, export_id)
            return


def _count(actor: Actor, export_id: UUID) -> None:
    """Counting only tells how far the export is: where it takes too long, that stays open."""
    try:
        commands.count_audit_export(actor, export_id)
    except OperationalError as failure:
        if not isinstance(failure.orig, QueryCanceled):
            raise
    db.session.expunge_all()


def give_up(actor: Actor, export_id: UUID, _reason: str) -> None:
    """Say that it could not be written."""
    commands.fail_audit_export(actor, export_id)
