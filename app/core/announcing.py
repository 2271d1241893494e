"""`announce`: what a command says of a thing that it changed, once the change is committed."""

from __future__ import annotations

from typing import Any

from app.core import live
from app.core.transaction import required_unit


def announce(subject: Any, event: str = "updated") -> None:
    """Tell open pages after the commit that `subject` was created, updated or deleted."""
    required_unit().announcements.append(live.announcement(subject, event))
