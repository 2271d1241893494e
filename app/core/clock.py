"""The one clock of the application: aware, UTC, and stoppable by tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_stopped_at: ContextVar[datetime | None] = ContextVar("stopped_at", default=None)


def now() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return _stopped_at.get() or datetime.now(UTC)


@contextmanager
def stopped(at: datetime) -> Iterator[None]:
    """Let `now()` answer `at`, which must be timezone-aware, until the block ends."""
    if at.tzinfo is None:
        raise ValueError("A clock needs a timezone-aware moment.")
    token = _stopped_at.set(at)
    try:
        yield
    finally:
        _stopped_at.reset(token)
