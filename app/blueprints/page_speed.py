"""How quick pages are for whoever uses them: told by the pages themselves, shown to those who may see it."""

from __future__ import annotations

import structlog
from flask import Blueprint
from redis.exceptions import RedisError

from app.core import clock, page_speed
from app.core.actor import Actor
from app.core.page_speed import View
from app.queries.page_speed import page_speeds
from app.schemas.page_speed import NewViews
from app.web import rate_limits
from app.web.actors import current_actor
from app.web.page_speed import kinds, read_span, speed_context
from app.web.parsing import read_json
from app.web.responses import nothing, show

bp = Blueprint("page_speed", __name__)
log = structlog.get_logger(__name__)


@bp.get("/page-speed")
def index():
    """How quick pages were in the last week, or so many days."""
    days, device = read_span()
    context = speed_context(page_speeds(current_actor(), days, device)) | {"as_of": clock.now()}
    return show("page_speed/index.html", "page_speed/_speeds.html", days=days, device=device, **context)


@bp.post("/page-speed/views")
def create():
    """Count what a page tells of itself. Nobody waits for the answer: what is too much, or unknown, is let go."""
    actor, given = current_actor(), read_json(NewViews)
    views = [View(each.page, given.device, each.measured) for each in given.views if each.page in kinds()]
    if views and not rate_limits.tells_too_much(actor):
        _count(actor, views)
    return nothing()


def _count(actor: Actor, views: list[View]) -> None:
    try:
        page_speed.count(actor.tenant_id, clock.now().date(), views)
    except (RedisError, OSError) as away:
        log.warning("page_speed.not_counted", error=type(away).__name__)
