"""The audit trail in JSON."""

from app.blueprints.api import api
from app.commands.audit_events import note_reading_of
from app.queries import audit_events as queries
from app.schemas.audit_events import AuditEventOut, HeadOut
from app.web.actors import current_actor
from app.web.audit_filters import FILTERS, read_filters
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import read_paging, read_parameters
from app.web.responses import data


@api.get("/audit")
def list_audit_events():
    """A page of the trail, newest first."""
    actor = current_actor()
    given = read_parameters(*FILTERS, "cursor", "limit", "fields")
    filters, paging = read_filters(given), read_paging(given)
    note_reading_of(actor, "audit_trail")
    page = queries.list_audit_events(actor, filters, paging)
    rows = with_fields(given, AuditEventOut, [AuditEventOut.of(event) for event in page.rows])
    return _unkept(one_page(page, rows, given))


@api.get("/audit/<uuid:event_id>")
def get_audit_event(event_id):
    """One event."""
    actor = current_actor()
    given = read_parameters("fields")
    note_reading_of(actor, "audit_trail")
    event = AuditEventOut.of(queries.get_audit_event(actor, event_id))
    return _unkept(data(with_fields(given, AuditEventOut, [event])[0]))


@api.get("/audit/head")
def get_audit_head():
    """Where the chain of all events has come to; `data` is null before its first link."""
    read_parameters()
    head = queries.head_of_the_chain(current_actor())
    return _unkept(data(head and HeadOut(sequence=head.sequence, hash=bytes(head.hash), time=head.created_at)))


def _unkept(response):
    response.headers["Cache-Control"] = "no-store"
    return response
