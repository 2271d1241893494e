"""Exports of the audit trail: those of a person, what goes into them, and their content part by part."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, text, tuple_

from app.core import clock, sealing
from app.core.actor import Actor
from app.core.audit import audit_events
from app.core.database import db
from app.core.errors import NotFound
from app.core.permissions import fetch, require
from app.models.audit_exports import FETCHED_WITHIN, KEPT, AuditExport, audit_export_parts
from app.queries.audit_events import all_events, clauses

PLACE = "audit_export_parts.content"
_THEN = text("pg_visible_in_snapshot(audit_events.transaction_id, CAST(:snapshot AS pg_snapshot))")
_LOG = audit_events.c
COUNTED_FOR = "15s"
_PATIENCE = text("SELECT set_config('statement_timeout', :patience, true)")


def list_audit_exports(actor: Actor) -> list[AuditExport]:
    """One's own exports, newest first."""
    require(actor, "audit_event.export")
    query = select(AuditExport).where(
        AuditExport.application_instance_id == actor.tenant_id, AuditExport.requested_by_user_id == actor.user_id
    )
    return list(db.session.scalars(query.order_by(AuditExport.id.desc()).limit(50)))


def get_audit_export(actor: Actor, export_id: UUID) -> AuditExport:
    """One's own export. Raises NotFound for anybody else's."""
    export = fetch(actor, AuditExport, export_id, "audit_event.export")
    if export.requested_by_user_id != actor.user_id:
        raise NotFound
    return export


def rows_of_part(export: AuditExport, size: int) -> list[Any]:
    """The next rows of an export, oldest first: of what was committed when it was asked for."""
    query = _selected(export)
    if export.last_moment is not None:
        edge = tuple_(literal(export.last_moment, _LOG.created_at.type), literal(export.last_id, _LOG.id.type))
        query = query.where(_LOG.created_at >= export.last_moment, tuple_(_LOG.created_at, _LOG.id) > edge)
    query = query.order_by(_LOG.created_at, _LOG.id).limit(size)
    return list(db.session.execute(query, _values(export)).all())


def count_rows(export: AuditExport) -> int:
    """How many rows an export will have. Raises OperationalError where counting takes longer than it is worth.

    In this transaction nothing else may take longer either.
    """
    db.session.execute(_PATIENCE, {"patience": COUNTED_FOR})
    return db.session.scalar(_counted(export), _values(export)) or 0


def _counted(export: AuditExport) -> Select[Any]:
    return select(func.count()).select_from(_selected(export).subquery())


def part_of(export: AuditExport, tenant_id: UUID, number: int) -> bytes:
    """A part of the content of an export: a gzip member. One after the other they are one gzip file.

    Raises NotFound for a part that was cleared away.
    """
    part = audit_export_parts.c
    query = select(part.content).where(
        part.application_instance_id == tenant_id, part.audit_export_id == export.id, part.number == number
    )
    content = db.session.scalar(query)
    if content is None:
        raise NotFound
    return sealing.key(tenant_id, f"{export.kind}:{export.id}").open_bytes(PLACE, bytes(content))


def kept_until(export: AuditExport) -> datetime:
    """Until when all that is written of an export can be fetched: a moment that is over once a part is missing."""
    part = audit_export_parts.c
    mine = (
        part.application_instance_id == export.application_instance_id,
        part.audit_export_id == export.id,
    )
    written, oldest = db.session.execute(select(func.count(), func.min(part.created_at)).where(*mine)).one()
    if written < export.parts:
        return export.created_at
    return (clock.now() if oldest is None else oldest) + KEPT - FETCHED_WITHIN


def _selected(export: AuditExport) -> Any:
    return all_events().where(*clauses(export.filters), _THEN)


def _values(export: AuditExport) -> dict[str, Any]:
    moments = {
        name: datetime.fromisoformat(export.filters[name]) for name in ("since", "until") if name in export.filters
    }
    return export.filters | moments | {"tenant": export.application_instance_id, "snapshot": export.snapshot}
