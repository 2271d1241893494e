"""Exports of the audit trail: ask for one, see how far it is, fetch it."""

from flask import Blueprint, url_for

from app.commands import audit_exports as commands
from app.core import clock
from app.core.errors import Invalid
from app.queries import audit_exports as queries
from app.schemas.audit_exports import NewAuditExport
from app.web.actors import current_actor
from app.web.audit_pages import export_file, read_filters
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.parsing import read_form
from app.web.responses import Said, go_on, show
from app.web.templating import translated as _

bp = Blueprint("audit_exports", __name__)


@bp.get("/audit/exports")
def index():
    """One's own exports, and the form for another."""
    return _list()


@bp.post("/audit/exports")
@needs_fresh_sign_in
def create():
    """Ask for an export."""
    try:
        given = read_form(NewAuditExport)
        export = commands.request_audit_export(current_actor(), given.format, read_filters(given.parameters()))
    except Invalid as refused:
        return _list(errors=refused.fields, status=422)
    return go_on(url_for(".show", export_id=export.id), Said(_("The export is being written.")))


@bp.get("/audit/exports/<uuid:export_id>", endpoint="show")
def show_export(export_id):
    """How far an export is, and the file once it is whole."""
    export = queries.get_audit_export(current_actor(), export_id)
    state = export.state_at(clock.now())
    return show("audit_exports/show.html", "audit_exports/_export.html", export=export, state=state)


@bp.get("/audit/exports/<uuid:export_id>/content")
def content(export_id):
    """The file."""
    actor = current_actor()
    return export_file(commands.note_audit_export_download(actor, export_id), actor)


def _list(*, errors=None, status=200):
    exports = queries.list_audit_exports(current_actor())
    states = {export.id: export.state_at(clock.now()) for export in exports}
    return show("audit_exports/index.html", status=status, exports=exports, states=states, errors=errors or {})
