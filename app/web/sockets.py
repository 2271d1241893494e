"""The sockets of this process, and the way in which each is written to.

Whoever has something to tell writes it where the system takes it at once, and goes on. What it does not take waits in
the socket's outbox for the one greenlet that holds the socket. So a browser that reads slowly delays nobody, and one
that does not read at all is let go.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from simple_websocket import ConnectionClosed, Server

from app.core.actor import Actor
from app.core.crowds import Crowd
from app.core.ids import new_secret_id
from app.core.live import Announcement, Farewell
from app.queries.socket_holders import Holder
from app.web.wire import WholeFrames, frame_of

SIGNED_OUT, COME_AGAIN, TRY_LATER, TOO_MUCH = 4401, 1012, 1013, 1008
MOST_WAITING = 64  # messages for one browser; it asks anew for everything when it is back
MOST_OF_A_PERSON = 10  # a phone, some browsers, and the ghosts of lost lines, which are found out within a minute
MOST_A_SECOND = 60  # messages from one browser, which asks for all its channels when it comes
MOST_CHANNELS = 100  # that one browser follows, in all of its tabs
OWN = "user."  # how the channel of a person begins, which is in no organisation
RESYNC = '{"event":"resync"}'
LOOK_EVERY = 30.0  # seconds after which a socket is looked at that ended without a word
SOONEST = 2.5  # seconds after which browsers come back when a process has ended; each takes up to half more, or less
BACK_A_SECOND = 100  # browsers that a process takes in, with all that they ask for
STALLED_AFTER = 15.0  # seconds in which a browser takes not a byte


class Socket:
    """One browser, and what waits to be told to it."""

    def __init__(self, server: Server, holder: Holder) -> None:
        self.holder, self.checked_at = holder, time.monotonic()
        self.viewer: Actor | None = None  # what the holder may see, as it was found out last
        self.channels: set[str] = set()
        self.places: set[Crowd] = set()  # where it is, of what it follows
        self.connection = str(new_secret_id())
        self.pointed = (0, 0)  # in which second, and how often
        self._server = server
        self._line: WholeFrames = server.sock
        self._outbox: deque[bytes] = deque()
        self._is_writing = False  # what was taken from the outbox
        self._ending: tuple[int, str] | None = None
        self._second, self._heard = 0, 0
        server.sock.settimeout(STALLED_AFTER)

    def tell(self, message: str | bytes) -> None:
        """Have a message sent. A browser for which too much waits already is let go instead."""
        self.pass_on(frame_of(message))

    def pass_on(self, frame: bytes) -> None:
        """Have a frame sent, which others may be sent as well."""
        if self._ending is not None or not self._server.connected:
            return
        if self.is_busy or not self._line.offer(frame):
            self._put_by(frame)
        elif self._line.is_behind:
            self._server.event.set()

    @property
    def is_busy(self) -> bool:
        """Whether something else has to be sent first."""
        return bool(self._outbox) or self._is_writing or self._line.is_behind

    def _put_by(self, frame: bytes) -> None:
        if len(self._outbox) >= MOST_WAITING:
            self.end(TRY_LATER, "Too much was waiting.")
            return
        self._outbox.append(frame)
        self._server.event.set()

    @property
    def free_places(self) -> int:
        """How many messages more may wait."""
        return MOST_WAITING - len(self._outbox)

    def tell_if_idle(self, message: str) -> None:
        """Have a message sent that is worth nothing later: whoever has others to read first is not told."""
        if not self.is_busy:
            self.tell(message)

    def resync(self) -> None:
        """Have the browser ask anew for everything that it shows. What waits is then of no use any more."""
        self._outbox.clear()
        self.tell(RESYNC)

    def end(self, code: int, reason: str) -> None:
        """Have the socket closed. What still waits is not sent any more."""
        self._ending = self._ending or (code, reason)
        self._outbox.clear()
        self._server.event.set()

    def is_taken_off(self, told: Announcement) -> bool:
        """Whether an event is that its holder was taken off something."""
        return told.taken_off == self.holder.user_id

    @property
    def is_signed_out(self) -> bool:
        """Whether it was closed since nobody may hold it any more."""
        return self._ending is not None and self._ending[0] == SIGNED_OUT

    def hold(self, hear: Callable[[Socket, Any], None]) -> None:
        """Write what is told and hear what comes, until one of the two sides ends it. For the greenlet that has it."""
        try:
            while self._server.connected:
                self._server.event.wait(LOOK_EVERY)
                self._server.event.clear()
                while self._server.input_buffer and self._ending is None:
                    self._count()
                    hear(self, self._server.input_buffer.pop(0))
                self._write()
        except (ConnectionClosed, OSError):  # gone, or stalled: a socket that times out takes no farewell either
            return

    def _write(self) -> None:
        self._is_writing = True  # nobody may overtake
        while (self._outbox or self._line.is_behind) and self._ending is None:
            self._line.send(b"" if self._line.is_behind else self._outbox.popleft())
        self._is_writing = False
        if self._ending is not None and self._server.connected:
            self._server.close(*self._ending)

    def _count(self) -> None:
        second = int(time.monotonic())
        self._second, self._heard = second, self._heard + 1 if second == self._second else 1
        if self._heard > MOST_A_SECOND:
            self.end(TOO_MUCH, "Too many messages.")


class Sockets:
    """The sockets that one process holds. Its own reader tells them what happened elsewhere."""

    def __init__(self, leave: Callable[[Socket, str | None, bool], None], look_every: float) -> None:
        self._leave = leave  # a channel, or with None all of them; and whether at once
        self._look_every = look_every  # seconds
        self.are_leaving = False  # since the process ends
        self._of_people: dict[int, set[Socket]] = {}
        self._following: dict[tuple[UUID | None, str], set[Socket]] = {}
        self._tenants: dict[UUID, set[Socket]] = {}
        self._lock = threading.Lock()

    def add(self, socket: Socket) -> bool:
        """Take a socket in, unless its person has too many already."""
        with self._lock:
            theirs = self._of_people.setdefault(socket.holder.user_id, set())
            if len(theirs) >= MOST_OF_A_PERSON:
                return False
            theirs.add(socket)
            socket.checked_at -= secrets.randbelow(1000) / 1000 * self._look_every  # not all at once who came at once
            if socket.holder.tenant_id is not None:
                self._tenants.setdefault(socket.holder.tenant_id, set()).add(socket)
            return True

    def discard(self, socket: Socket) -> None:
        """Forget a socket that is closed."""
        self._leave(socket, None, socket.is_signed_out)
        with self._lock:
            _take_out(self._of_people, socket.holder.user_id, socket)
            if socket.holder.tenant_id is not None:
                _take_out(self._tenants, socket.holder.tenant_id, socket)
            for channel in socket.channels:
                _take_out(self._following, _heard_at(socket, channel), socket)
            socket.channels.clear()

    def follow(self, socket: Socket, channel: str) -> None:
        """Have a socket hear of a channel. Whether it may is for the caller to find out."""
        with self._lock:
            if socket in self._of_people.get(socket.holder.user_id, set()):
                socket.channels.add(channel)
                self._following.setdefault(_heard_at(socket, channel), set()).add(socket)

    def unfollow(self, socket: Socket, channel: str) -> None:
        """Have a socket hear of a channel no more, and be there no more."""
        self._leave(socket, channel, True)
        with self._lock:
            socket.channels.discard(channel)
            _take_out(self._following, _heard_at(socket, channel), socket)

    def following(self, tenant_id: UUID | None, channel: str) -> list[Socket]:
        """Those that follow a channel of an organisation, or with None one of a person, now."""
        with self._lock:
            return list(self._following.get((tenant_id, channel), ()))

    def tenants(self) -> set[UUID]:
        """The organisations of which there are sockets."""
        with self._lock:
            return set(self._tenants)

    def of_tenant(self, tenant_id: UUID) -> list[Socket]:
        """Those in one organisation."""
        with self._lock:
            return list(self._tenants.get(tenant_id, ()))

    def of_person(self, user_id: int) -> list[Socket]:
        """Those of one person."""
        with self._lock:
            return list(self._of_people.get(user_id, ()))

    def all(self) -> list[Socket]:
        """Those that are open now."""
        with self._lock:
            return [socket for theirs in self._of_people.values() for socket in theirs]

    def say_farewell(self, farewell: Farewell) -> None:
        """Close the sockets that a farewell is about."""
        for socket in self.all():
            if is_about(farewell, socket.holder):
                if farewell.again:
                    socket.end(COME_AGAIN, "Come again.")
                else:
                    socket.end(SIGNED_OUT, "Sign in to go on.")

    def send_away(self) -> None:
        """Close all of them, as the process ends: each is told after how long to come again, so that it is no storm."""
        self.are_leaving = True
        leaving = self.all()
        seconds = max(SOONEST, len(leaving) / BACK_A_SECOND)
        for socket in leaving:
            socket.end(COME_AGAIN, f"Come again in {seconds:.1f} s.")

    def keep_only(self, checked: Iterable[Socket], welcome: set[Holder]) -> None:
        """Close those of the sockets that were checked whose holder is not welcome any more."""
        now = time.monotonic()
        for socket in checked:
            socket.checked_at = now
            if socket.holder not in welcome:
                socket.end(SIGNED_OUT, "Sign in to go on.")


def _heard_at(socket: Socket, channel: str) -> tuple[UUID | None, str]:
    """What somebody has in no organisation is heard of in each of them."""
    return (None if channel.startswith(OWN) else socket.holder.tenant_id), channel


def _take_out(sets: dict[Any, set[Socket]], key: Any, socket: Socket) -> None:
    found = sets.get(key)
    if found is not None:
        found.discard(socket)
        if not found:
            del sets[key]


def poke(told: Announcement, channel: str, place: str, **content: str) -> str:
    """What is told on a channel: that something changed, and nothing of what it is, but for an element as `html`."""
    return json.dumps(
        {"event": told.event, "channel": channel, "id": place, "by": told.by, "version": told.version, **content},
        separators=(",", ":"),
    )


def revocation(channel: str, *, still: bool = False, **gone: str) -> str:
    """What is told where somebody may see less of a channel, or nothing any more: to ask anew for what they show."""
    event = "changed" if still else "revoked"
    return json.dumps({"event": event, "channel": channel, **gone}, separators=(",", ":"))


def gone_from(told: Announcement, channel: str, place: str) -> str:
    """What is told to whoever was taken off a thing, and sees it no longer by that: which it is, and to ask anew."""
    return revocation(channel, still=True, gone=told.id, id=place)


def is_about(farewell: Farewell, holder: Holder) -> bool:
    """Whether a farewell is about who holds a socket.

    Somebody who is let go by an organisation loses the sockets there, and those that are in no organisation: which of
    these they need they open again.
    """
    if farewell.session_id is not None:
        return farewell.session_id == str(holder.session_id)
    if farewell.user_id is not None and farewell.user_id != holder.user_id:
        return False
    if farewell.tenant_id is None:
        return True
    elsewhere = holder.tenant_id is not None and farewell.tenant_id != str(holder.tenant_id)
    return not elsewhere and (holder.tenant_id is not None or farewell.user_id is not None)
