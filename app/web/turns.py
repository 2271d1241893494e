"""So many sockets ask the database at once: where all come back together they wait for their turn, and none is let go.

As many again of the connections are left to those who pass on what happens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import Unavailable

LONGEST_WAIT = 30.0  # seconds; whoever waited for so long is to come again later


class Turn:
    """The turn of one socket, which ends once."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places: threading.BoundedSemaphore | None = places

    def end(self) -> None:
        """Let the next one ask."""
        places, self._places = self._places, None
        if places is not None:
            places.release()


class Turns:
    """Who may ask, of the sockets of a process."""

    def __init__(self, number: int, longest_wait: float = LONGEST_WAIT) -> None:
        self._places, self._longest_wait = threading.BoundedSemaphore(number), longest_wait

    @contextmanager
    def one(self) -> Iterator[Turn]:
        """A turn, which ends with the block if not before. Raises Unavailable where it does not come."""
        if not self._places.acquire(timeout=self._longest_wait):
            raise Unavailable
        turn = Turn(self._places)
        try:
            yield turn
        finally:
            turn.end()
