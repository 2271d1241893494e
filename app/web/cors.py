"""Pages of other sites that may call the API: those that an organisation lists, and with a key of that organisation.

A browser asks first, by OPTIONS without the key (Fetch, section 4.8). Which organisation it will be is not known then,
and whether any lists the page is nobody's business: so whoever asks gets the same answer, and nothing is looked up. The
request itself is judged by the list of the organisation that its key belongs to, before anything is done; only then may
the page read the answer. No cookie counts in the API, and "*" is what no browser combines with one.
"""

from __future__ import annotations

from flask import Response, current_app, g, request

from app.core.errors import OriginNotAllowed

METHODS = "GET, POST, PATCH, PUT, DELETE"
TAKEN = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
TOLD = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
KEPT_FOR = 600  # seconds for which a browser need not ask again


def is_preflight() -> bool:
    """Whether a browser asks what it may send."""
    asked = ("Origin", "Access-Control-Request-Method")
    return request.method == "OPTIONS" and all(name in request.headers for name in asked)


def preflight() -> Response:
    """The answer to a browser that asks: what a request may look like. It is the same for every page."""
    response = Response(
        status=204,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": TAKEN,
            "Access-Control-Max-Age": str(KEPT_FOR),
            "Cache-Control": "no-store",
        },
    )
    del response.headers["Content-Type"]
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
