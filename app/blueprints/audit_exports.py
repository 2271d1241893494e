"""Exports of the audit trail: ask for one, see how far it is, fetch it."""

from flask import Blueprint, url_for

from app.commands import audit_exports as commands
from app.core import clock
from app.core.errors import Invalid
from app.core.parsing import parse
from app.queries import audit_events, audit_reading
from app.queries import audit_exports as queries
from app.schemas.audit_exports import AuditExportForm
from app.web.actors import current_actor
from app.web.audit_filters import FILTERS, TIMES, apart, joined, read_filters, told_filters
from app.web.audit_pages import export_file
from app.web.dates import zone_of_reader
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import form_values, read_parameters
from app.web.responses import Said, go_on, show

bp = Blueprint("audit_exports", __name__)


@bp.get("/audit/exports")
def index():
    """One's own exports, and the form for another: of what one was looking at, where one comes from there."""
    return _list(read_parameters(*FILTERS, *TIMES))


@bp.post("/audit/exports")
@needs_fresh_sign_in
def create():
    """Ask for an export of what the filters of the trail let through."""
    given = form_values()
    try:
        form = parse(AuditExportForm, given, typed=False)
        filters = read_filters(joined(given), zone_of_reader())
        export = commands.request_audit_export(current_actor(), form.format, filters)
    except Invalid as refused:
        return _list(given, errors=refused.fields, status=422)
    return go_on(url_for(".show", export_id=export.id), Said(_("The export is being written.")))


@bp.get("/audit/exports/<uuid:export_id>", endpoint="show")
def show_export(export_id):
    """How far an export is, and the file once it is whole."""
    actor = current_actor()
    export = queries.get_audit_export(actor, export_id)
    state = export.state_at(clock.now())
    names = {person.id: person.name for person in audit_events.people_of_the_trail(actor)}
    filters = told_filters(export.filters, names)
    return show("audit_exports/show.html", "audit_exports/_export.html", export=export, state=state, filters=filters)


@bp.get("/audit/exports/<uuid:export_id>/content")
def content(export_id):
    """The file."""
    actor = current_actor()
    return export_file(commands.note_audit_export_download(actor, export_id), actor)


def _list(given, *, errors=None, status=200):
    actor = current_actor()
    exports, people = queries.list_audit_exports(actor), audit_events.people_of_the_trail(actor)
    names = {person.id: person.name for person in people}
    return show(
        "audit_exports/index.html",
        "audit_exports/_list.html",
        status=status,
        exports=exports,
        states={export.id: export.state_at(clock.now()) for export in exports},
        holds={export.id: told_filters(export.filters, names) for export in exports},
        values=apart(given) | {"format": given.get("format", "csv")},
        errors=errors or {},
        people=people,
        kinds=sorted(audit_reading.kinds().values()),
        everybody=actor.may("audit_event.view"),
    )
