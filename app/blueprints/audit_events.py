"""The audit trail: who did what, when, to what, and how it came."""

from flask import Blueprint, request, url_for

from app.commands.audit_events import note_reading_of
from app.core.errors import InvalidParameter
from app.queries import audit_events as queries
from app.queries import audit_reading
from app.web.actors import current_actor
from app.web.audit_filters import FILTERS, TIMES, apart, joined, read_filters
from app.web.audit_pages import shown_event, shown_events
from app.web.dates import zone_of_reader
from app.web.listing import page_context
from app.web.parsing import read_paging, read_parameters, uuid_parameter
from app.web.responses import show

bp = Blueprint("audit_events", __name__)


@bp.get("/audit")
def index():
    """The events that fit, newest first. A filter that will not do is said beside it."""
    actor = current_actor()
    given = read_parameters(*FILTERS, *TIMES, "cursor", "limit")
    wrong, page, events = {}, {"next_url": None, "prev_url": None}, []
    note_reading_of(actor, "audit_trail")
    try:
        found = queries.list_audit_events(actor, read_filters(joined(given), zone_of_reader()), read_paging(given))
        page, events = page_context(found), shown_events(found.rows)
    except InvalidParameter as refused:
        if not refused.fields.keys() <= set(FILTERS):
            raise
        wrong = refused.fields
    answer = show(
        "audit_events/index.html",
        "audit_events/_list.html",
        status=422 if wrong else 200,
        events=events,
        page=page,
        values=apart(given),
        exports={} if wrong else joined(given),
        errors=wrong,
        people=queries.people_of_the_trail(actor),
        kinds=sorted(audit_reading.kinds().values()),
        everybody=actor.may("audit_event.view"),
        news_url=None if wrong or "cursor" in given else _news_url(events, joined(given)),
        news=0,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/audit/news")
def news():
    """How many events have come since a page of the trail was shown: it does not move under its reader."""
    actor = current_actor()
    given = read_parameters(*FILTERS, "after")
    newest = uuid_parameter(given, "after")
    filters = {name: value for name, value in given.items() if name != "after"}
    count = queries.count_newer_events(actor, read_filters(filters, zone_of_reader()), newest)
    address = url_for(".index", **filters)
    answer = show("audit_events/_news.html", news=count, news_url=request.full_path, show_url=address)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/audit/<uuid:event_id>", endpoint="show")
def show_event(event_id):
    """One event, with all that is known about it."""
    actor = current_actor()
    note_reading_of(actor, "audit_trail")
    answer = show("audit_events/show.html", event=shown_event(queries.get_audit_event(actor, event_id)))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _news_url(events, filters):
    newest = {"after": events[0]["event_id"]} if events else {}
    return url_for(".news", **filters, **newest)
