"""What a live process hears: one reader for all of its sockets, and a look at each of them once a minute.

The reader pokes the sockets that follow a thing when it has changed, and closes those of somebody who signs out, is let
go or gets another password. What it does not hear, since the server was away or emptied, is found out by the look, from
PostgreSQL; and a browser whose line was cut asks for what it has missed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, live, rubbish, valkey
from app.core.database import fresh_session
from app.core.ids import new_secret_id
from app.queries.live_channels import PERSON, sees_all
from app.queries.socket_holders import welcome
from app.web.cursors import Cursors
from app.web.elements import Writer, element_for
from app.web.leaving import send_away_when_stopped
from app.web.live_judge import OF_ACCESS, Judge
from app.web.presence import Presence
from app.web.sockets import Socket, Sockets, poke
from app.web.wire import frame_of

CERTIFICATION = "certification"
WAIT = 5.0  # seconds that the reader waits for the next word before it asks again
AGAIN_AFTER = 1.0  # seconds after which a server that did not answer is asked again
WAKE = "live:wake"
AT_ONCE = 500  # sockets that are looked at together

log = structlog.get_logger(__name__)


class Reader:
    """Follows what is said of the organisations of which there are sockets, and who has to go."""

    def __init__(self, sockets: Sockets, judge: Judge, presence: Presence) -> None:
        self._sockets, self._judge, self._presence = sockets, judge, presence
        self._wake = f"{WAKE}:{new_secret_id()}"  # a stream of this process alone, to end its waiting
        self._heard: dict[str, str] = {}  # the places up to which the streams are read
        self._lock = threading.Lock()
        self.also_heard_by: list[Callable[[live.Announcement], None]] = []

    def follow(self, tenant_id: UUID) -> None:
        """Read what is said of an organisation from this moment on. A server that does not answer is asked again."""
        stream = live.stream_of(tenant_id)
        with self._lock:
            if stream in self._heard:
                return
        try:
            client = valkey.client()
            with self._lock:
                self._heard.setdefault(stream, live.last_place(client, stream))
            live.wake(client, self._wake)
        except (RedisError, OSError) as failure:
            log.warning("live.server_does_not_answer", error=type(failure).__name__)

    def read_forever(self) -> None:
        """Read. Where the server was away, go on from where it was heard last."""
        client = valkey.listening_client(WAIT)
        while True:
            try:
                self._choose(client)
                for stream, place, told in live.read(client, self._heard, wait=WAIT):
                    self._hear(stream, place, told)
                    self._heard[stream] = place
            except (RedisError, OSError) as failure:
                log.warning("live.server_does_not_answer", error=type(failure).__name__)
                time.sleep(AGAIN_AFTER)

    def _choose(self, client: Any) -> None:
        """Which streams to read now: of the organisations that have sockets, and those that are always read."""
        tenants = {live.stream_of(tenant_id): tenant_id for tenant_id in self._sockets.tenants()}
        wanted = {live.FAREWELLS, live.PEOPLE, self._wake, *tenants}
        with self._lock:
            for stream in self._heard.keys() - wanted:
                del self._heard[stream]
            for stream in wanted - self._heard.keys():
                self._heard[stream] = live.last_place(client, stream)
                for socket in self._sockets.of_tenant(tenants[stream]) if stream in tenants else ():
                    if socket.channels:  # nobody knows what was said in the meantime
                        socket.resync()

    def _hear(self, stream: str, place: str, told: dict[str, Any]) -> None:
        if stream == live.FAREWELLS:
            self._sockets.say_farewell(live.Farewell(**told))
        elif stream == live.PEOPLE:
            self._pass_on_own(live.announcement_from(told))
        elif stream != self._wake:
            self._pass_on(live.announcement_from(told), place)

    def _pass_on_own(self, told: live.Announcement) -> None:
        """Poke the pages of one person. The place is of another stream than the one in which browsers count."""
        for socket in self._sockets.following(None, told.channel):
            socket.tell(poke(told, told.channel, ""))
        self._judge.look_again_at(int(told.id))

    def _pass_on(self, told: live.Announcement, place: str) -> None:
        """Poke those that follow what has changed: at once who sees all of its kind, the others once it was judged.

        So is everybody where an element goes with it.
        """
        tenant_id, doubtful = UUID(told.tenant_id), []
        for channel in told.channels:
            followers = self._sockets.following(tenant_id, channel)
            if followers and (element := element_for(told, channel)):
                self._judge.show_those_who_see(told, place, channel, element, followers)
                continue
            frame = frame_of(poke(told, channel, place))
            for socket in followers:
                if socket.viewer is not None and sees_all(socket.viewer, told.kind):
                    socket.pass_on(frame)
                else:
                    doubtful.append((socket, channel))
        if doubtful:
            self._judge.tell_those_who_see(told, place, doubtful)
        if told.kind == CERTIFICATION:
            self._judge.show_task_of(told, place)
        if told.kind in OF_ACCESS:
            self._judge.look_again(tenant_id)
        if told.kind == PERSON:
            self._presence.look_anew_at(tenant_id, int(told.id))
        for hear in self.also_heard_by:
            hear(told)


def start(app: Flask, sockets: Sockets, presence: Presence, cursors: Cursors, writer: Writer) -> Reader:
    """Read, judge and look for as long as the process lives, each in a thread of its own."""
    judge = Judge(app, sockets, presence, writer)
    judge.rehearse()
    judge.start()
    reader = Reader(sockets, judge, presence)
    threading.Thread(target=reader.read_forever, name="live-reader", daemon=True).start()
    threading.Thread(target=presence.run_forever, name="live-presence", daemon=True).start()
    threading.Thread(target=presence.hear_forever, name="live-crowds", daemon=True).start()
    threading.Thread(target=cursors.tell_forever, name="live-cursors", daemon=True).start()
    threading.Thread(target=cursors.hear_forever, name="live-pointing", daemon=True).start()
    threading.Thread(target=look_forever, args=(app, sockets, judge), name="live-look", daemon=True).start()
    send_away_when_stopped(sockets)
    rubbish.collect_seldom()
    threading.Thread(target=rubbish.collect_forever, name="live-rubbish", daemon=True).start()
    return reader


def look_forever(app: Flask, sockets: Sockets, judge: Judge) -> None:
    """Look at every socket once in so many seconds, some at a time."""
    every = app.config["SETTINGS"].live_recheck_seconds
    while True:
        time.sleep(min(1.0, every / 4))
        since = time.monotonic() - every
        due = [socket for socket in sockets.all() if socket.checked_at <= since][:AT_ONCE]
        if due:
            look(app, sockets, due)
            judge.look_again_at_these(due)


def look(app: Flask, sockets: Sockets, due: list[Socket]) -> None:
    """Close those whose holder may not keep them. While the database is away nobody can say, and none is closed."""
    now, bounds = clock.now(), app.config["SETTINGS"].session_bounds
    with app.app_context(), fresh_session():
        try:
            staying = welcome({socket.holder for socket in due}, now=now, bounds=bounds)
        except SQLAlchemyError as failure:
            log.warning("live.database_does_not_answer", error=type(failure).__name__)
            return
    sockets.keep_only(due, staying)
