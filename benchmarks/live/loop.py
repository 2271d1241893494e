"""What happens on many connections and at many moments, one thing after the other."""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import time
from collections.abc import Callable

from app.local.home import LocalError

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
PATIENCE = 60.0  # seconds
LOOK_AGAIN = 0.02


class Loop:
    """Calls back where a connection may be read or written, and where a moment has come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def watch(self, connection: socket.socket, events: int, act: Callable[[], None]) -> None:
        """Call `act` whenever the connection is ready for what is said, and no longer what was said before."""
        if connection in self._selector.get_map():
            self._selector.modify(connection, events, act)
        else:
            self._selector.register(connection, events, act)

    def forget(self, connection: socket.socket) -> None:
        """Look at a connection no more."""
        if connection in self._selector.get_map():
            self._selector.unregister(connection)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` once, so many seconds from now."""
        heapq.heappush(self._due, (time.perf_counter() + seconds, next(self._order), act))

    def turn(self, longest: float = LOOK_AGAIN) -> None:
        """Wait at most so long for something to happen, and deal with it."""
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        wait = min(longest, self._due[0][0] - now) if self._due else longest
        for key, _events in self._selector.select(max(0.0, wait)):
            key.data()

    def until(self, is_so: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Go on until something is so. Raises LocalError when it takes too long."""
        deadline = time.perf_counter() + seconds
        while not is_so():
            if time.perf_counter() > deadline:
                raise LocalError(f"Waited {seconds:g} s in vain: {what}.")
            self.turn()

    def rest(self, seconds: float) -> None:
        """Go on for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.turn(min(left, LOOK_AGAIN))
