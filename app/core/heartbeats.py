"""Heartbeats: each long-running process says that it lives, and `/readyz` listens."""

from __future__ import annotations

import os
import socket
import threading
import time

from redis.exceptions import RedisError

from app.core import valkey

EVERY = 2.0  # seconds
GONE_AFTER = 8  # seconds without a beat

PROCESSES = ("worker", "signer", "clock", "live")


def beat(process: str) -> None:
    """Say once that a `process` of this kind lives. A server that does not answer is told the next time."""
    try:
        valkey.client().set(f"heartbeat:{process}:{socket.gethostname()}:{os.getpid()}", "1", ex=GONE_AFTER)
    except (RedisError, OSError):
        return


def alive() -> dict[str, bool]:
    """Which kinds of process have been heard of lately. Raises RedisError."""
    heard = {key.decode().split(":")[1] for key in valkey.client().scan_iter("heartbeat:*", count=1000)}
    return {process: process in heard for process in PROCESSES}


def beat_forever(process: str) -> None:
    """Say again and again, from a thread of its own, that this process lives."""

    def keep_beating() -> None:
        while True:
            beat(process)
            time.sleep(EVERY)

    threading.Thread(target=keep_beating, name=f"heartbeat-{process}", daemon=True).start()


def ping() -> str:
    """An empty text if the server answers. Raises RedisError."""
    valkey.client().ping()
    return ""
