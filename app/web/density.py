"""How close together the lines of a page stand: as whoever looks has chosen in their profile."""

from __future__ import annotations

from flask import g

from app.web.actors import known_actor


def density() -> str:
    """The density of this answer, which app/static/css/tokens.css gives its sizes: comfortable or compact."""
    reader = known_actor() or g.get("signed_in")
    return "compact" if reader is not None and reader.profile.is_compact else "comfortable"
