"""Pages of other sites that may call the API: those that an organisation lists, and with a key of that organisation.

A browser asks first, by OPTIONS without the key (Fetch, section 4.8). Which organisation it will be is not known then:
it may go on where any organisation lists the page. The request itself is judged by the list of the organisation that
its key belongs to, before anything is done. No cookie counts in the API, so none is ever allowed here, and nobody is
"*".
"""

from __future__ import annotations

from flask import Response, current_app, g, request

from app.core.errors import OriginNotAllowed
from app.queries import identity

METHODS = "GET, POST, PATCH, PUT, DELETE"
TAKEN = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
TOLD = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
KEPT_FOR = 600  # seconds for which a browser need not ask again


def is_preflight() -> bool:
    """Whether a browser asks what it may send."""
    asked = ("Origin", "Access-Control-Request-Method")
    return request.method == "OPTIONS" and all(name in request.headers for name in asked)


def preflight() -> Response:
    """The answer to a browser that asks: leave for a page that somebody lists, else nothing."""
    response = Response(status=204, headers={"Vary": "Origin", "Cache-Control": "no-store"})
    del response.headers["Content-Type"]
    origin = request.headers["Origin"]
    if identity.is_listed_origin(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = TAKEN
        response.headers["Access-Control-Max-Age"] = str(KEPT_FOR)
    return response


def judge(listed: list[str]) -> None:
    """Go on only for no page at all, one of ours, or one that is `listed`. Raises OriginNotAllowed."""
    origin = request.headers.get("Origin")
    if origin is None or origin in current_app.config["ORIGINS"]:
        return
    if origin not in listed:
        raise OriginNotAllowed
    g.read_by = origin


def headers() -> dict[str, str]:
    """What lets the page that was found to be listed read the answer."""
    origin = g.get("read_by")
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": TOLD} if origin else {}
