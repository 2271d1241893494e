"""Where people point, told to those beside them: never stored, told in a moment or not at all.

Somebody points at a place where they are seen, in parts of its box: (0, 0) is the corner in which reading begins, and
(1, 1) the opposite one. Of several words only the newest is told, and to nobody for whom something else waits. Whoever
points is named, so it is for those who see names; and only those few who are named can, so that no crowd is a flood.
"""

from __future__ import annotations

import json
import threading
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from app.core import crowds
from app.core.crowds import Crowd
from app.core.hearing import hear_forever
from app.web.presence import PRESENCE, Presence
from app.web.sockets import Socket

CURSOR = "cursor"
MOST_A_SECOND = 20  # words of one socket; what is more is dropped
ROUND = 0.05  # seconds between two rounds

Point = tuple[float, float]


class Cursors:
    """What the sockets of this process point at, and what was heard of others."""

    def __init__(self, presence: Presence) -> None:
        self._presence, self._name = presence, presence.name
        self._here: dict[tuple[Crowd, int], Point] = {}
        self._elsewhere: dict[tuple[Crowd, int], Point] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()

    def point(self, socket: Socket, channel: str, x: Any, y: Any) -> None:
        """Let somebody point. What is too much, no point, or of nobody who is seen there is dropped without a word."""
        tenant_id = socket.holder.tenant_id
        if tenant_id is None or not (_is_part(x) and _is_part(y)) or _is_too_soon(socket):
            return
        crowd = Crowd(PRESENCE, tenant_id, channel)
        if self._presence.is_seen_in_company(socket, crowd):
            with self._lock:
                self._here[crowd, socket.holder.user_id] = (round(float(x), 4), round(float(y), 4))
            self._wake.set()

    def tell_forever(self) -> None:
        """Tell of the newest points, twenty times a second at most."""
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                here, self._here = self._here, {}
                elsewhere, self._elsewhere = self._elsewhere, {}
            self._tell(elsewhere | here)
            self._publish(here)
            time.sleep(ROUND)

    def hear_forever(self) -> None:
        """Hear where those point whose sockets other processes hold."""
        hear_forever(crowds.CURSORS, self._hear)

    def _tell(self, points: dict[tuple[Crowd, int], Point]) -> None:
        for (crowd, user_id), (x, y) in points.items():
            told = {"event": CURSOR, "channel": crowd.channel, "user": user_id, "x": x, "y": y}
            message = json.dumps(told, separators=(",", ":"))
            for socket in self._presence.beside(crowd, user_id):
                socket.tell_if_idle(message)

    def _publish(self, points: dict[tuple[Crowd, int], Point]) -> None:
        if not points:
            return
        news = [(crowd.tenant_id, crowd.channel, user_id, *point) for (crowd, user_id), point in points.items()]
        try:
            crowds.tell(news, by=self._name, where=crowds.CURSORS)
        except (RedisError, OSError):
            return  # the next point is told again

    def _hear(self, message: bytes) -> None:
        by, news = crowds.told(message)
        if by == self._name:
            return
        with self._lock:
            for tenant_id, channel, user_id, x, y in news:
                self._elsewhere[Crowd(PRESENCE, UUID(tenant_id), channel), user_id] = (x, y)
        self._wake.set()


def _is_part(value: Any) -> bool:
    """Whether somebody sent a number between nought and one. JSON is read into whole and decimal numbers."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value <= 1


def _is_too_soon(socket: Socket) -> bool:
    """Whether a socket has pointed often enough within this second. Counts."""
    second, count = socket.pointed
    now = int(time.monotonic())
    socket.pointed = (now, count + 1 if second == now else 1)
    return socket.pointed[1] > MOST_A_SECOND
