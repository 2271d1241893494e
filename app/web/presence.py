"""Who is here: told to those on the same page, once a second at most, and only what has changed since.

A browser says where it is; the page that it shows is one that it follows, so that whoever may not see the page is told
nothing of it. Names are for those who may see who works here, the others are told a number. Whoever does not want to be
seen is in no crowd, and sees others as before.
"""

from __future__ import annotations

import html
import json
import math
import threading
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import crowds
from app.core.crowds import Crowd, Member
from app.core.database import fresh_session
from app.core.hearing import WAIT, hear_forever
from app.core.ids import new_secret_id
from app.queries import live_channels
from app.web.sockets import OWN, Socket
from app.web.templating import hue, initials

PRESENCE, EDITS = "presence", "edits"
MOST_PLACES = 40  # that one browser is at, in all of its tabs
MOST_SHOWN = 9  # people that are named; of the others there is a number
APART = 1.0  # seconds between two messages about one crowd
ROUND = 0.05  # seconds between two rounds
NAMES, NUMBER = "names", "number"

log = structlog.get_logger(__name__)


class Room:
    """One crowd as it was told last, and to whom."""

    def __init__(self) -> None:
        self.watching: dict[Socket, str | None] = {}  # how each was told: with NAMES, by NUMBER, or not yet
        self.shown: dict[int, dict[str, Any]] = {}
        self.stale: set[int] = set()  # those of them who look different by now
        self.there: set[int] = set()
        self.told_at = -math.inf


class Presence:
    """The crowds that the sockets of this process are in, or watch."""

    def __init__(self, app: Flask) -> None:
        self._app, self.name = app, str(new_secret_id())
        self._rooms: dict[Crowd, Room] = {}
        self._due: dict[Crowd, float] = {}  # when to look at a crowd next
        self._changes: dict[tuple[Crowd, Member], float | None] = {}  # what is not kept yet
        self._changed: set[Crowd] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()

    def come(self, socket: Socket, event: str, channel: str) -> None:
        """Let a socket be at a place that it follows, or write there. Saying so again has it told all there is."""
        tenant_id = socket.holder.tenant_id
        if tenant_id is None or channel not in socket.channels or len(socket.places) >= MOST_PLACES:
            return
        if "." not in channel or channel.startswith(OWN):  # a list is no place, and one's account is nobody else's
            return
        with self._lock:
            crowd = Crowd(event, tenant_id, channel)
            socket.places.add(crowd)
            for watched in _watched_from(crowd):
                self._rooms.setdefault(watched, Room()).watching[socket] = None
                self._soon(watched)
            self._stay(socket, crowd)
            self._changed.add(crowd)
        self._wake.set()

    def go(self, socket: Socket, event: str, channel: str) -> None:
        """Let a socket be there, or write there, no more."""
        with self._lock:
            for crowd in [each for each in socket.places if (each.event, each.channel) == (event, channel)]:
                self._leave(socket, crowd, at_once=False)
        self._wake.set()

    def let_go(self, socket: Socket, channel: str | None, at_once: bool) -> None:
        """Let a socket be nowhere in a channel, or with None nowhere at all, any more."""
        with self._lock:
            for crowd in [each for each in socket.places if channel in (None, each.channel)]:
                self._leave(socket, crowd, at_once=at_once)
        self._wake.set()

    def stay(self, socket: Socket) -> None:
        """Note that a socket is alive."""
        with self._lock:
            for crowd in socket.places:
                self._stay(socket, crowd)
        self._wake.set()

    def look_again(self, socket: Socket) -> None:
        """Whoever holds the socket sees others, or is seen, in another way than before."""
        with self._lock:
            for crowd in socket.places:
                self._changes[crowd, _member(socket)] = crowds.until(crowds.STAY) if _is_shown(socket) else None
                self._changed.add(crowd)
                for watched in _watched_from(crowd):
                    self._rooms.setdefault(watched, Room()).watching[socket] = None
                    self._soon(watched)
        self._wake.set()

    def look_anew_at(self, tenant_id: UUID, user_id: int) -> None:
        """Somebody has another name or picture: those who are told of them are told again."""
        with self._lock:
            for crowd, room in self._rooms.items():
                if crowd.tenant_id == tenant_id and user_id in room.shown:
                    room.stale.add(user_id)
                    self._soon(crowd)
        self._wake.set()

    def is_seen_in_company(self, socket: Socket, crowd: Crowd) -> bool:
        """Whether somebody is seen at a place, and is not alone there."""
        with self._lock:
            room = self._rooms.get(crowd)
            return room is not None and len(room.there) > 1 and crowd in socket.places and _is_shown(socket)

    def beside(self, crowd: Crowd, user_id: int) -> list[Socket]:
        """Those who are told of somebody by name, as somebody else who is at the same place."""
        with self._lock:
            room = self._rooms.get(crowd)
            if room is None or user_id not in room.shown:
                return []
            return [each for each, way in room.watching.items() if way == NAMES and each.holder.user_id != user_id]

    def _leave(self, socket: Socket, crowd: Crowd, *, at_once: bool) -> None:
        socket.places.discard(crowd)
        for watched in _watched_from(crowd):
            room = self._rooms.get(watched)
            if room is not None:
                room.watching.pop(socket, None)
                if not room.watching:
                    del self._rooms[watched]
                    self._due.pop(watched, None)
        stays_a_moment = _is_shown(socket) and not at_once
        self._changes[crowd, _member(socket)] = crowds.until(crowds.LINGER) if stays_a_moment else None
        self._changed.add(crowd)

    def _stay(self, socket: Socket, crowd: Crowd) -> None:
        if _is_shown(socket):
            self._changes[crowd, _member(socket)] = crowds.until(crowds.STAY)

    def _soon(self, crowd: Crowd, after: float = 0.0) -> None:
        """Look at a crowd, not too soon after it was told of."""
        room = self._rooms.get(crowd)
        if room is not None:
            at = max(time.monotonic() + after, room.told_at + APART)
            self._due[crowd] = min(at, self._due.get(crowd, math.inf))

    # What follows is done by one thread: it keeps, looks and tells.

    def run_forever(self) -> None:
        """Keep what is said here, and tell of what has changed."""
        while True:
            self._wake.wait(max(0.0, min([time.monotonic() + WAIT, *list(self._due.values())]) - time.monotonic()))
            self._wake.clear()
            try:
                self._keep()
                self._tell()
            except (RedisError, OSError, SQLAlchemyError) as failure:  # whoever is here says so again with every beat
                log.warning("live.crowds_not_told", error=type(failure).__name__)
                self._look_at_all()
                time.sleep(APART)
            time.sleep(ROUND)

    def hear_forever(self) -> None:
        """Hear from other processes which crowds have changed."""
        hear_forever(crowds.NEWS, self._hear, begin=self._look_at_all)

    def _hear(self, message: bytes) -> None:
        by, news = crowds.told(message)
        if by == self.name:
            return
        with self._lock:
            for event, tenant_id, channel in news:
                self._soon(Crowd(event, UUID(tenant_id), channel))
        self._wake.set()

    def _look_at_all(self) -> None:
        with self._lock:
            for crowd in self._rooms:
                self._soon(crowd)

    def _keep(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, {}
            changed, self._changed = self._changed, set()
        if changes:
            crowds.keep(changes)
        if changed:
            crowds.tell([tuple(each) for each in changed], by=self.name)
        with self._lock:
            for crowd in changed:
                self._soon(crowd)

    def _tell(self) -> None:
        now = time.monotonic()
        with self._lock:
            due = [crowd for crowd, at in self._due.items() if at <= now]
            for crowd in due:
                del self._due[crowd]
        if not due:
            return
        with self._app.app_context(), fresh_session():
            for crowd, there in crowds.look(due).items():
                self._tell_of(crowd, there)

    def _tell_of(self, crowd: Crowd, there: dict[Member, float]) -> None:
        with self._lock:
            room = self._rooms.get(crowd)
            watching = dict(room.watching) if room is not None else {}
        if room is None:
            return
        self._look_when_somebody_may_be_gone(crowd, there, watching)
        change = _change(room, crowd, {member.user_id for member in there})
        room.told_at = time.monotonic()
        ways = _ways_of_telling(crowd, watching)
        for socket, before in watching.items():
            way = ways.get(socket)
            if way is not None and (way != before or change is not None):
                message = change if change is not None and way == before else _all_there_is(room)
                socket.tell(_frame(crowd, message, way, you=socket.holder.user_id in room.there))
            with self._lock:
                if socket in room.watching:
                    room.watching[socket] = way

    def _look_when_somebody_may_be_gone(
        self, crowd: Crowd, there: dict[Member, float], watching: Iterable[Socket]
    ) -> None:
        """Those who are here are known to be alive; the others may end without a word."""
        here = {_member(socket) for socket in watching if crowd in socket.places}
        first = min((moment for member, moment in there.items() if member not in here), default=None)
        if first is not None:
            with self._lock:
                self._soon(crowd, max(0.0, first - crowds.until(0)) + ROUND)


def _watched_from(crowd: Crowd) -> tuple[Crowd, ...]:
    """Whoever is somewhere watches who else is, and who writes. Whoever writes is somewhere, and watches from there."""
    return (crowd, crowd._replace(event=EDITS)) if crowd.event == PRESENCE else ()


def _change(room: Room, crowd: Crowd, there: set[int]) -> dict[str, Any] | None:
    """What is to be told to those who were told before, and note it as told; None where nothing has changed."""
    stale, room.stale = room.stale, set()
    shown = {user_id: room.shown[user_id] for user_id in room.shown if user_id in there - stale}
    missing = sorted(there - shown.keys())[: MOST_SHOWN - len(shown)]
    joined = [_person(row) for row in live_channels.people(crowd.tenant_id, missing)] if missing else []
    shown |= {each["id"]: each for each in joined}
    left = [user_id for user_id in room.shown if user_id not in shown]
    if not joined and not left and room.there == there:
        return None
    room.shown, room.there = shown, there
    return {"count": len(there), "joined": joined, "left": left}


def _all_there_is(room: Room) -> dict[str, Any]:
    """The same for somebody who was told nothing yet."""
    return {"whole": True, "count": len(room.there), "joined": list(room.shown.values()), "left": []}


def _ways_of_telling(crowd: Crowd, watching: Iterable[Socket]) -> dict[Socket, str]:
    """Who may be told, looked up as for every event and for all at once, and whether they may see names."""
    channel = live_channels.channel_named(crowd.channel)
    viewers = {socket: socket.viewer for socket in watching if socket.viewer and crowd.channel in socket.channels}
    if channel is None or not viewers:
        return {}
    told = live_channels.followers(crowd.tenant_id, channel, viewers.values())
    names = {socket: viewer.may_somewhere("user.view") for socket, viewer in viewers.items()}
    return {socket: NAMES if names[socket] else NUMBER for socket in viewers if socket.holder.user_id in told}


def _frame(crowd: Crowd, told: dict[str, Any], way: str, *, you: bool) -> str:
    """What goes over the line; `you` says whether who hears it is one of those who are counted."""
    if way == NUMBER:
        told = {name: value for name, value in told.items() if name not in ("joined", "left")}
    return json.dumps({"event": crowd.event, "channel": crowd.channel, "you": you, **told}, separators=(",", ":"))


def _person(row: Any) -> dict[str, Any]:
    picture = str(row.avatar_id) if row.avatar_id else None
    look = {"initials": html.unescape(initials(row.name)), "hue": hue(row.name), "picture": picture}
    return {"id": row.user_id, "name": row.name, **look}


def _member(socket: Socket) -> Member:
    return Member(socket.holder.user_id, socket.connection)


def _is_shown(socket: Socket) -> bool:
    return socket.viewer is not None and socket.viewer.profile.is_shown
