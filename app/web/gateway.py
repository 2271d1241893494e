"""What every request passes on its way in and out: host, origin, size, headers, one line in the log."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Settings
from app.core import live
from app.core.errors import BadHost, CsrfFailed, DomainError, NotAcceptable, UnsupportedMediaType
from app.core.ids import new_secret_id
from app.core.transaction import end_reading
from app.web import cors, live_address, rate_limits
from app.web.actors import is_api, known_actor

log = structlog.get_logger("request")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN_METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def init_app(app: Flask, settings: Settings) -> None:
    """Put the gateway before every view."""
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0)  # type: ignore[method-assign]
    app.config["MAX_CONTENT_LENGTH"] = settings.largest_body
    pages = _hosts(settings)
    app.config["HOSTS"] = pages.union(live_address.hosts(settings))
    scheme = "https" if settings.https else "http"
    app.config["ORIGINS"] = frozenset(f"{scheme}://{host}" for host in pages)
    app.config["HEADERS"] = _headers(settings)
    app.before_request(_begin)
    app.after_request(_finish)


def needs_nothing(view):  # type: ignore[no-untyped-def]
    """Let this view be asked by any probe: no host check, no session, no database before it."""
    view.needs_nothing = view.is_public = True
    return view


def comes_from_browser(view):  # type: ignore[no-untyped-def]
    """Take what a browser sends by itself, from no page at all: without a check of where it comes from."""
    view.comes_from_browser = True
    return view


def _begin() -> Response | None:
    g.request_id, g.began = str(new_secret_id()), time.perf_counter()
    live.note_tab(request.headers.get("X-Tab"))
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "needs_nothing", False):
        return None
    try:
        _check(view)
    except DomainError:
        rate_limits.count_address()  # who asks is not found out for such a request
        raise
    if is_api(request) and cors.is_preflight():
        rate_limits.count_address()
        return cors.preflight()
    return None


def _check(view: Any) -> None:
    if "Host" not in request.headers or request.host not in current_app.config["HOSTS"]:
        raise BadHost
    if is_api(request):
        _check_formats()
    elif request.method not in SAFE_METHODS and not getattr(view, "comes_from_browser", False):
        _check_origin()


def _check_origin() -> None:
    """A browser says where an unsafe request comes from; one that does not come from our own page is refused."""
    site, source = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        raise CsrfFailed
    if source is not None and source not in current_app.config["ORIGINS"]:
        raise CsrfFailed
    if site is None and source is None:
        raise CsrfFailed


def _check_formats() -> None:
    """The API speaks JSON, under its own name or that of a bundle; a body in any other coding is not decoded at all."""
    wanted = request.accept_mimetypes
    if wanted and not (wanted.accept_json or any(name.endswith("+json") for name in wanted.values())):
        raise NotAcceptable
    if request.content_encoding:
        raise UnsupportedMediaType


def _finish(response: Response) -> Response:
    end_reading()  # from here on nothing needs the connection
    for name, value in current_app.config["HEADERS"].items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers.update(rate_limits.headers() | cors.headers())
    if known_actor() is not None and not is_api(request):
        response.headers.update(live_address.since())
    if is_api(request):
        response.vary.add("Origin")
    kept = response.status_code == 200 and not response.is_streamed and not response.cache_control.no_store
    if request.method in ("GET", "HEAD") and kept:
        response.add_etag(weak=True)
        response.make_conditional(request)
    _log(response)
    return response


def _log(response: Response) -> None:
    """One line: what was asked, by whom, how it went.

    The route and the ids in it stand for the address, which may hold a secret as its query and the body may.
    """
    if request.endpoint in ("health.healthz", "health.readyz"):
        return
    actor = known_actor()
    log.info(
        "request",
        request_id=g.get("request_id"),
        method=request.method if request.method in KNOWN_METHODS else "other",
        route=request.url_rule.rule if request.url_rule else None,
        ids={name: value for name, value in (request.view_args or {}).items() if isinstance(value, UUID | int)},
        status=response.status_code,
        bytes=response.content_length or 0,  # before compression
        milliseconds=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
        tenant=actor.tenant.slug if actor else None,
        user_id=actor.user_id if actor else None,
        key_id=actor.credential_id if actor and actor.authenticated_by == "api_key" else None,
    )


def _hosts(settings: Settings) -> frozenset[str]:
    """The hosts that are served: the configured one, and on a developer's machine its other names."""
    name, colon, port = settings.host.rpartition(":") if ":" in settings.host else (settings.host, "", "")
    names = LOOPBACK if name in LOOPBACK else (name,)
    return frozenset(f"{each}{colon}{port}" for each in names) | {settings.host}


def _headers(settings: Settings) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": " ".join(("'self'", *live_address.origins(settings))),
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "report-uri": "/csp-report",
        "report-to": "csp",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Reporting-Endpoints": 'csp="/csp-report"',
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers
