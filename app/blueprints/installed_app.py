"""What makes an app of the site on one's own machine: its description, its service worker, a page without network.

The same for everybody who reads the same language, and asked for by browsers of their own accord: no session is read.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from app.web.gateway import needs_nothing
from app.web.installed_app import described, service_worker_script

bp = Blueprint("installed_app", __name__)


@bp.get("/app.webmanifest")
@needs_nothing
def manifest():
    """What the app is called and looks like."""
    return _asked_again(described(), "application/manifest+json")


@bp.get("/sw.js")
@needs_nothing
def service_worker():
    """The service worker. It lies here as it may only serve what lies beneath it."""
    return _asked_again(service_worker_script(), "text/javascript")


@bp.get("/offline")
@needs_nothing
def offline():
    """The page that a service worker shows when nothing is reached."""
    return _asked_again(render_template("installed_app/offline.html"), "text/html")


def _asked_again(content: str | bytes, kind: str) -> Response:
    answer = Response(content, mimetype=kind)
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Vary"] = "Accept-Language"
    return answer
