"""Export the audit trail: asked for by a person, written part by part by a job that may die at any point."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from app.core import audit, clock, sealing
from app.core.actor import Actor
from app.core.announcing import announce_own
from app.core.audit import record, subject_of
from app.core.csv_rows import csv_rows
from app.core.database import db
from app.core.errors import Conflict
from app.core.failpoints import failpoint
from app.core.ids import new_id
from app.core.outbox import enqueue
from app.core.permissions import fetch, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.audit_exports import AuditExport, audit_export_parts
from app.queries.audit_events import AuditFilters, narrowing
from app.queries.audit_exports import PLACE, count_rows, get_audit_export, kept_until, rows_of_part
from app.queries.audit_reading import AuditEvent, shown
from runcible.canonical import canonical_json

ROWS_OF_A_PART = 5000
COLUMNS = (
    *("created_at", "event_id", "event_type", "entity_type", "entity_id", "action", "actor_user_id", "actor_name"),
    *("actor_network", "via", "key_prefix", "request_id", "before_state", "after_state", "erased", "withheld", "facts"),
)


@command
def request_audit_export(actor: Actor, file_format: str, filters: AuditFilters) -> AuditExport:
    """Ask for an export of what one may read of the trail. It is ready some time later."""
    require(actor, "audit_event.export")
    assert actor.user_id is not None, "An export is for a person."
    values = narrowing(actor, filters)
    export = AuditExport(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        requested_by_user_id=actor.user_id,
        format=file_format,
        filters={name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()},
        sight=sorted(name for name in actor.permissions if name.endswith(".view")),
        snapshot=db.session.scalar(text("SELECT pg_current_snapshot()::text")),
        state="pending",
    )
    db.session.add(export)
    db.session.flush()
    record(actor, "audit_export.created", export)
    _tell(export)
    enqueue(actor, "audit_exports.write", export.id)
    return export


@command(
    anyone="the job goes on with what a person was allowed to ask for", unrecorded="it only tells how far the export is"
)
def count_audit_export(actor: Actor, export_id: UUID) -> None:
    """Count the events of an export before it is written. Raises OperationalError where that takes too long."""
    export = fetch(actor, AuditExport, export_id, "audit_event.export", lock=True)
    if export.state == "pending" and export.rows_total is None:
        export.rows_total = count_rows(export)
        _tell(export)


@command(
    anyone="the job goes on with what a person was allowed to ask for",
    unrecorded="the export was recorded when it was asked for, and is again when it is whole",
)
def write_audit_export_part(actor: Actor, export_id: UUID) -> bool:
    """Write the next part of an export, and return whether more are to come. A part is there whole or not at all.

    One that was held up for so long that its beginning was cleared away, or soon will be, has failed.
    """
    export = fetch(actor, AuditExport, export_id, "audit_event.export", lock=True)
    if export.state not in ("pending", "running"):
        return False
    until = kept_until(export)
    if until <= clock.now():
        fail_audit_export(actor, export_id)
        return False
    rows = rows_of_part(export, ROWS_OF_A_PART)
    reader = replace(actor, permissions=frozenset(export.sight) | {"audit_event.view"})
    content = _written(export.format, shown(reader, rows, names=False), head=export.parts == 0)
    export.add(rows)
    key = sealing.key(actor.tenant_id, subject_of(export))
    db.session.execute(
        insert(audit_export_parts).values(
            application_instance_id=actor.tenant_id,
            audit_export_id=export.id,
            number=export.parts,
            content=key.seal_bytes(PLACE, gzip.compress(content, 6, mtime=0)),
        )
    )
    _tell(export)
    failpoint("audit_export.part_written")
    if len(rows) == ROWS_OF_A_PART:
        return True
    export.finish(clock.now(), kept_until=until)
    db.session.flush()
    record(actor, "audit_export.completed", export)
    return False


@command(anyone="the job goes on with what a person was allowed to ask for", unrecorded="nothing has changed")
def go_on_with_audit_export(actor: Actor, export_id: UUID) -> None:
    """Let other work of this organisation and of others have its turn before the next part."""
    enqueue(actor, "audit_exports.write", export_id)


@command
def fail_audit_export(actor: Actor, export_id: UUID) -> None:
    """Say that an export could not be written."""
    export = fetch(actor, AuditExport, export_id, "audit_event.export", lock=True)
    if export.state in ("pending", "running"):
        export.state = "failed"
        db.session.flush()
        record(actor, "audit_export.failed", export)
        _tell(export)


@command
def note_audit_export_download(actor: Actor, export_id: UUID) -> AuditExport:
    """Hand out one's own export, and write that down. Raises Conflict before it is ready, and after its time."""
    require(actor, "audit_event.export")
    export = get_audit_export(actor, export_id)
    state = export.state_at(clock.now())
    if state != "ready":
        raise Conflict(
            phrase("This export has expired. Ask for it again.")
            if state == "expired"
            else phrase("It is not ready yet.")
        )
    audit.note_reading(actor, "audit_export.downloaded", export)
    return export


def _tell(export: AuditExport) -> None:
    """Whoever asked for it follows how far it is, and nobody else hears that there is one."""
    announce_own(export.requested_by_user_id)


def _written(file_format: str, events: list[AuditEvent], *, head: bool) -> bytes:
    told = [_told(event) for event in events]
    if file_format == "jsonl":
        return b"".join(canonical_json(each) + b"\n" for each in told)
    cells = [[_cell(each[name]) for name in COLUMNS] for each in told]
    return csv_rows([COLUMNS, *cells] if head else cells)


def _told(event: AuditEvent) -> dict[str, Any]:
    return {
        "created_at": event.created_at.isoformat(),
        "event_id": str(event.event_id),
        "event_type": event.event_type,
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "action": event.action,
        "actor_user_id": event.actor_user_id,
        "actor_name": event.actor_name,
        "actor_network": event.network,
        "via": event.via,
        "key_prefix": event.key_prefix,
        "request_id": event.request_id,
        "before_state": {change.field: change.before for change in event.changes},
        "after_state": {change.field: change.after for change in event.changes},
        "erased": [change.field for change in event.changes if change.erased],
        "withheld": [change.field for change in event.changes if change.withheld],
        "facts": event.facts,
    }


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else value
