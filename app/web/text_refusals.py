"""With which code a socket at a text is closed, and with which words, after it was refused something."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import Conflict, DomainError, Forbidden
from app.core.yjs_updates import Unreadable
from app.web.sockets import TOO_MUCH, TRY_LATER

NOT_ALLOWED, GONE, NOT_UNDERSTOOD = 4403, 4404, 1007
REFUSALS = (DomainError, Unreadable, SQLAlchemyError)

log = structlog.get_logger(__name__)


def farewell(refusal: Exception) -> tuple[int, str]:
    """Code and words for one of REFUSALS."""
    if isinstance(refusal, Unreadable):
        return NOT_UNDERSTOOD, "This is no message about a text."
    if isinstance(refusal, SQLAlchemyError):
        log.warning("texts.database_does_not_answer", error=type(refusal).__name__)
        return TRY_LATER, "Try again in a moment."
    if isinstance(refusal, Forbidden):
        return NOT_ALLOWED, "You may not change this."
    if isinstance(refusal, Conflict):
        return TOO_MUCH, "This is too much for one text."
    return GONE, "There is no such text."
