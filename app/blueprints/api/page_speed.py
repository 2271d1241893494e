"""How quick pages are, in JSON."""

from app.blueprints.api import api
from app.queries.page_speed import page_speeds
from app.schemas.page_speed import PageSpeedOut
from app.web.actors import current_actor
from app.web.listing import whole_list
from app.web.page_speed import read_span


@api.get("/page-speed")
def list_page_speeds():
    """Every kind of page that was looked at."""
    return whole_list([PageSpeedOut.of(each) for each in page_speeds(current_actor(), *read_span()).pages])
