"""Pictures of people on their way to a browser, and where they are found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.web.actors import known_actor

KEPT_FOR = 365 * 24 * 3600  # seconds; another picture has another address, and signing out empties the browser's cache


def as_picture(image: bytes) -> Response:
    """A picture of ours, which may show itself and do nothing else: even opened by itself it is no page."""
    answer = Response(image, mimetype="image/webp")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    answer.headers["Content-Disposition"] = 'inline; filename="picture.webp"'
    answer.headers["Cache-Control"] = f"private, max-age={KEPT_FOR}, immutable"
    answer.headers["Vary"] = "Cookie"
    return answer


def picture_of(user_id: int | None, avatar_id: UUID | None) -> str | None:
    """Where the picture of somebody is; None where there is none, or whoever looks may not see who works here."""
    actor: Any = known_actor()
    if avatar_id is None:
        return None
    if actor is None:  # on the pages of one's own account there is nobody else
        return url_for("profiles.picture", avatar_id=avatar_id)
    if user_id != actor.user_id and not actor.may_somewhere("user.view"):
        return None
    return url_for("users.picture", user_id=user_id, avatar_id=avatar_id)
