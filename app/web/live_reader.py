"""What a live process hears: one reader for all of its sockets, and a look at each of them once a minute.

The reader closes sockets at once when somebody signs out, is let go or gets another password. What it does not hear,
since the server was away or emptied, is found out by the look, from PostgreSQL.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, live, valkey
from app.core.database import fresh_session
from app.queries.socket_holders import welcome
from app.web.sockets import Socket, Sockets

WAIT = 5.0  # seconds that the reader waits for the next word before it asks again
AGAIN_AFTER = 1.0  # seconds after which a server that did not answer is asked again
AT_ONCE = 500  # sockets that are looked at together

log = structlog.get_logger(__name__)


def start(app: Flask, sockets: Sockets) -> None:
    """Read and look for as long as the process lives, each in a thread of its own."""
    threading.Thread(target=read_forever, args=(sockets,), name="live-reader", daemon=True).start()
    threading.Thread(target=look_forever, args=(app, sockets), name="live-look", daemon=True).start()


def read_forever(sockets: Sockets) -> None:
    """Follow what is said, from now on. Where the server was away, go on from where it was heard last."""
    heard = ""
    client = valkey.listening_client(WAIT)
    while True:
        try:
            heard = heard or live.last_place(client, live.FAREWELLS)
            for _stream, place, told in live.read(client, {live.FAREWELLS: heard}, wait=WAIT):
                sockets.say_farewell(live.Farewell(**told))
                heard = place
        except (RedisError, OSError) as failure:
            log.warning("live.server_does_not_answer", error=type(failure).__name__)
            time.sleep(AGAIN_AFTER)


def look_forever(app: Flask, sockets: Sockets) -> None:
    """Look at every socket once in so many seconds, some at a time."""
    every = app.config["SETTINGS"].live_recheck_seconds
    while True:
        time.sleep(min(1.0, every / 4))
        since = time.monotonic() - every
        due = [socket for socket in sockets.all() if socket.checked_at <= since][:AT_ONCE]
        if due:
            look(app, sockets, due)


def look(app: Flask, sockets: Sockets, due: list[Socket]) -> None:
    """Close those whose holder may not keep them. While the database is away nobody can say, and none is closed."""
    now = clock.now()
    idle_since = now - timedelta(hours=app.config["SETTINGS"].session_idle_hours)
    with app.app_context(), fresh_session():
        try:
            staying = welcome({socket.holder for socket in due}, now=now, seen_after=idle_since)
        except SQLAlchemyError as failure:
            log.warning("live.database_does_not_answer", error=type(failure).__name__)
            return
    sockets.keep_only(due, staying)
