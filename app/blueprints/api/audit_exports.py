"""Exports of the audit trail in JSON."""

from flask import url_for

from app.blueprints.api import api
from app.commands import audit_exports as commands
from app.core import clock
from app.core.idempotency import once
from app.models.audit_exports import AuditExport
from app.queries import audit_exports as queries
from app.schemas.audit_exports import AuditExportOut, NewAuditExport
from app.web.actors import current_actor
from app.web.audit_filters import read_filters
from app.web.audit_pages import export_file
from app.web.listing import whole_list
from app.web.parsing import idempotent_request, read_json, read_parameters
from app.web.responses import data


@api.get("/audit/exports")
def list_audit_exports():
    """One's own exports."""
    read_parameters()
    return whole_list([_told(export) for export in queries.list_audit_exports(current_actor())])


@api.post("/audit/exports")
def create_audit_export():
    """Ask for an export. It is written within moments or minutes: ask again at the address in `Location`."""
    actor, new = current_actor(), read_json(NewAuditExport)
    filters = read_filters(new.parameters())
    export = once(
        actor,
        idempotent_request(),
        AuditExport,
        lambda: commands.request_audit_export(actor, new.format, filters),
    )
    return data(_told(export), status=201, location=url_for(".get_audit_export", export_id=export.id))


@api.get("/audit/exports/<uuid:export_id>")
def get_audit_export(export_id):
    """How far an export is."""
    read_parameters()
    return data(_told(queries.get_audit_export(current_actor(), export_id)))


@api.get("/audit/exports/<uuid:export_id>/content")
def get_audit_export_content(export_id):
    """The file; 409 before it is ready, and after its time."""
    read_parameters()
    actor = current_actor()
    return export_file(commands.note_audit_export_download(actor, export_id), actor)


def _told(export):
    return AuditExportOut.of(export, export.state_at(clock.now()))
