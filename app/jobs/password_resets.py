"""The job that finds out whether somebody who has forgotten their password has an account."""

from __future__ import annotations

from uuid import UUID

from app.commands.password_resets import answer_wish
from app.core.actor import Visitor


def answer(visitor: Visitor, wish_id: UUID) -> None:
    """Have a link sent where there is somebody to send it to. A wish that was answered is not there any more."""
    answer_wish(visitor, wish_id)
