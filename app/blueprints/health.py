"""Whether this process lives, and whether the whole is ready."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response

from app.queries.health import readiness
from app.web.gateway import needs_nothing

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@needs_nothing
def healthz():
    """The process is alive. Nothing else is asked."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@needs_nothing
def readyz():
    """Every part and whether it is there. 503 only where no page could be answered: no database, or an old one."""
    state = readiness()
    status = 503 if state["status"] == "unavailable" else 200
    return Response(orjson.dumps(state), status, content_type="application/json; charset=utf-8")
