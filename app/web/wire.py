"""Frames of RFC 6455, and a connection that takes whole ones.

What a thousand sockets are told is made into a frame once, and goes out from whoever has it to tell: no socket's own
greenlet is woken for it, unless its browser is behind.
"""

from __future__ import annotations

import os
import threading
from typing import Any

TEXT, BINARY = 0x81, 0x82  # each a frame that is a whole message


def frame_of(message: str | bytes) -> bytes:
    """The frame that carries a message. A server masks nothing (RFC 6455, section 5.1)."""
    kind, content = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
    size = len(content)
    if size < 126:
        return bytes((kind, size)) + content
    if size < 2**16:
        return bytes((kind, 126)) + size.to_bytes(2) + content
    return bytes((kind, 127)) + size.to_bytes(8) + content


class WholeFrames:
    """A connection that sends all of what it is given, one frame after the other.

    simple-websocket ignores that `send` may take a part only, as it does under gevent for a slow reader; and its thread
    for pings writes beside the greenlet that holds the socket.
    """

    __slots__ = ("_connection", "_lock", "_rest")

    def __init__(self, connection: Any) -> None:
        self._connection, self._lock = connection, threading.Lock()
        self._rest = b""  # of a frame of which the system took a part

    @property
    def is_behind(self) -> bool:
        """Whether a part of a frame waits for somebody to `send` it."""
        return bool(self._rest)

    def offer(self, frame: bytes) -> bool:
        """Send a frame if that takes no waiting. Returns False where nothing of it was sent."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._rest:
                return False
            self._rest = frame[os.write(self._connection.fileno(), frame) :]
        except OSError:  # it would have to wait; or the line is broken, which whoever holds the socket finds out
            return False
        finally:
            self._lock.release()
        return True

    def send(self, data: bytes) -> int:
        """Send all of it, after what is left of a frame that was offered. Raises OSError."""
        with self._lock:
            rest, self._rest = self._rest, b""
            self._connection.sendall(rest + data)
        return len(data)

    def fileno(self) -> int:
        """For selectors."""
        return int(self._connection.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
