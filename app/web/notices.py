"""What a change has come to, carried to the page that follows in a sealed cookie: no row is written for a sentence.

Only whom it was said to is shown it, once, by the next page that they open within two minutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Response, after_this_request, current_app, request, session

from app.core import clock, sealing

_LASTS = timedelta(minutes=2)
_PLACE = "cookies.notice"


def notice_later(to: str, said: dict[str, Any]) -> None:
    """Have `said` shown by the page that follows, which is to be the one at `to`. The latest notice wins."""
    kept = {"said": said, "on": urlsplit(to).path, "until": (clock.now() + _LASTS).timestamp()}
    sealed = _key().seal(_PLACE, orjson.dumps(kept).decode())

    @after_this_request
    def _set_cookie(response: Response) -> Response:
        response.set_cookie(_name(), sealed, max_age=int(_LASTS.total_seconds()), **_manners())
        return response


def waiting_notices() -> list[dict[str, Any]]:
    """What this answer is to say: nothing, or one notice, which the browser then forgets."""
    if _name() not in request.cookies:
        return []

    @after_this_request
    def _drop_cookie(response: Response) -> Response:
        response.delete_cookie(_name(), **_manners())
        return response

    kept = _kept()
    return [kept["said"]] if kept else []


def is_noticed_here() -> bool:
    """Whether something waits to be said on the very page that is asked for."""
    kept = _kept()
    return bool(kept) and kept["on"] == request.path


def _kept() -> dict[str, Any]:
    """What the cookie holds; nothing where it is too old, another person's, or not of our making."""
    try:
        kept: dict[str, Any] = orjson.loads(_key().open(_PLACE, request.cookies.get(_name())) or "{}")
    except sealing.SealBroken:
        return {}
    return kept if kept and kept["until"] > clock.now().timestamp() else {}


def _key() -> sealing.RecordKey:
    return sealing.derived_key(f"notice:{session.get('_user_id', '')}")


def _name() -> str:
    return "__Host-notice" if current_app.config["SETTINGS"].https else "notice"


def _manners() -> dict[str, Any]:
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": current_app.config["SETTINGS"].https}
