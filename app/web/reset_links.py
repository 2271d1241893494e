"""The secret of a link from a mail, while a new password is typed: in a cookie, not in any address or page.

An address is in histories, in the log of a proxy and in the Referer of what a page leads to. The cookie lets nobody in.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request

from app.commands.password_resets import LASTS


def kept_link() -> str:
    """The secret that this browser came with, or nothing."""
    return request.cookies.get(_name(), "")


def keep_link(response: Response, secret: str) -> Response:
    """Have the browser keep the secret, and tell its address to nobody."""
    response.set_cookie(_name(), secret, max_age=int(LASTS.total_seconds()), **_manners())
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def drop_link(response: Response) -> Response:
    """Have the browser forget a secret that opens nothing any more."""
    if _name() in request.cookies:
        response.delete_cookie(_name(), **_manners())
    return response


def _name() -> str:
    return "__Host-reset" if current_app.config["SETTINGS"].https else "reset"


def _manners() -> dict[str, Any]:
    https = current_app.config["SETTINGS"].https
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": https}
