"""What browsers report: something on a page of ours that the Content-Security-Policy did not let through."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, current_app, request
from werkzeug.exceptions import HTTPException

from app.web.door import public
from app.web.gateway import comes_from_browser
from app.web.parsing import read_body
from app.web.responses import nothing
from runcible import strict_json
from runcible.errors import StrictJsonError

bp = Blueprint("csp_reports", __name__)
log = structlog.get_logger("csp")

LARGEST = 16 * 1024
MOST = 10  # reports of one request that are looked at
DIRECTIVES = frozenset(
    f"{kind}-src{part}"
    for kind in (
        "default",
        "script",
        "style",
        "img",
        "font",
        "connect",
        "manifest",
        "worker",
        "object",
        "frame",
        "media",
    )
    for part in ("", "-elem", "-attr")
) | {"form-action", "base-uri", "frame-ancestors"}


@bp.post("/csp-report")
@public
@comes_from_browser
def create():
    """Note what was blocked, and on which kind of page. Anybody may send anything: nothing of it is repeated."""
    request.max_content_length = LARGEST
    for report in _reports(read_body())[:MOST]:
        log.warning("csp.blocked", **_told(report))
    return nothing()


def _reports(body: bytes) -> list[dict[str, Any]]:
    """The reports of the old form, one in an object, or the new one, several in a list (Reporting API)."""
    try:
        sent = strict_json.loads(body)
    except StrictJsonError:
        return []
    if isinstance(sent, dict):
        sent = [{"type": "csp-violation", "body": sent.get("csp-report")}]
    several = sent if isinstance(sent, list) else []
    return [
        each["body"]
        for each in several
        if isinstance(each, dict) and each.get("type") == "csp-violation" and isinstance(each.get("body"), dict)
    ]


def _told(report: dict[str, Any]) -> dict[str, str]:
    """What may stand in the log: words of a fixed list, the host of what was blocked, a route instead of an address."""

    def first(*names: str) -> str:
        return next((report[name] for name in names if isinstance(report.get(name), str)), "")

    directive = first("effectiveDirective", "effective-directive", "violated-directive").split(" ")[0]
    return {
        "directive": directive if directive in DIRECTIVES else "unknown",
        "blocked": _host(first("blockedURL", "blocked-uri")),
        "route": _route(first("documentURL", "document-uri")),
    }


def _host(blocked: str) -> str:
    if blocked in ("inline", "eval", "wasm-eval", "data", "blob"):
        return blocked
    try:
        host = urlsplit(blocked).hostname or ""
    except ValueError:
        return "unknown"
    return host[:100] if host and all(c.isascii() and (c.isalnum() or c in "-.:") for c in host) else "unknown"


def _route(address: str) -> str:
    try:
        rule, _values = current_app.url_map.bind("").match(urlsplit(address).path, "GET", return_rule=True)
    except (HTTPException, ValueError):
        return "unknown"
    return str(rule.rule)
