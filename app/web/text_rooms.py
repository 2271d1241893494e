"""The rooms of one live process: who comes into which, and when each looks at what has happened elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.commands.shared_texts import open_shared_text
from app.core import tenancy
from app.core.database import db, fresh_session
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.live import Announcement
from app.core.phrases import phrase
from app.core.transaction import end_reading
from app.queries.identity import find_members
from app.queries.shared_texts import CERTIFIED, find_shared_text, get_thing
from app.web.live_judge import OF_ACCESS
from app.web.text_relay import Relay
from app.web.text_room import LOOK_EVERY, MOST_IN_A_ROOM, NEVER, Room, TextSocket

log = structlog.get_logger(__name__)


class Rooms:
    """The rooms of one process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._rooms: dict[tuple[UUID, str, UUID], Room] = {}
        self._lock = threading.RLock()
        self._news = threading.Event()
        self._relay = Relay(self._hear_number, self._hear_presence)

    def start(self) -> None:
        """Listen and look for as long as the process lives, each in a thread of its own."""
        threading.Thread(target=self._relay.listen_forever, name="text-relay", daemon=True).start()
        threading.Thread(target=self._look_forever, name="text-look", daemon=True).start()

    def enter(self, socket: TextSocket, kind: str, row_id: UUID, text_id: str | None) -> None:
        """Let somebody into the room of a text, which begins with the first who may write it.

        Raises NotFound where there is none (any more), Forbidden for what is certified, Conflict where it is full.
        """
        if kind in CERTIFIED:
            raise Forbidden(phrase("What is certified is never changed. Make a new version of it."))
        user_id, tenant_id = socket.holder.user_id, socket.holder.tenant_id
        actor = None if tenant_id is None else find_members(tenant_id, [user_id], [row_id]).get(user_id)
        if actor is None or tenant_id is None:
            raise NotFound
        with tenancy.entered(db.session, tenant_id):
            row = get_thing(actor, kind, row_id)
            socket.look_with(actor, kind, row)
            text = open_shared_text(actor, kind, row_id) if socket.may_write else find_shared_text(row)
            if text is None or text_id not in (None, str(text.id)):
                raise NotFound
            with self._lock:
                room = self._rooms.get((tenant_id, kind, row_id))
                if room is not None and room.text_id != text.id:  # it has ended, and nobody there has noticed yet
                    room.end_all()
                if room is None or room.text_id != text.id:
                    room = self._rooms[tenant_id, kind, row_id] = Room(tenant_id, kind, row_id, text, self._relay)
                if len(room.sockets) >= MOST_IN_A_ROOM:
                    raise Conflict(phrase("Too many people are here already."))
                room.sockets.add(socket)
                socket.room = room
            end_reading()  # nobody waits for a room with a connection to the database in their hands
            room.welcome(socket, row)

    def leave(self, socket: TextSocket) -> None:
        """Let somebody out, and close the room after the last one."""
        room = socket.room
        if room is None:
            return
        room.part(socket)
        with self._lock:
            place = (room.tenant_id, room.kind, room.row_id)
            if not room.sockets and self._rooms.get(place) is room:
                del self._rooms[place]

    def hear(self, told: Announcement) -> None:
        """Look at once where something has happened that a room is about, or that changes who may do what."""
        for room in self._all():
            if str(room.tenant_id) != told.tenant_id:
                continue
            if told.kind in OF_ACCESS or told.id == str(room.row_id):
                room.rights_looked_at = NEVER
                self._look_soon(room)

    def _hear_number(self, text_id: str, _number: int) -> None:
        for room in self._all():
            if str(room.text_id) == text_id:
                self._look_soon(room)

    def _hear_presence(self, text_id: str, client: int, clock: int, user_id: int | None) -> None:
        for room in self._all():
            if str(room.text_id) == text_id:
                self._do(partial(room.hear_presence, client, clock, user_id))

    def _look_soon(self, room: Room) -> None:
        room.has_news = True
        self._news.set()

    def _look_forever(self) -> None:
        every = self._app.config["SETTINGS"].live_recheck_seconds
        while True:
            self._news.wait(min(1.0, every / 4))
            self._news.clear()
            now = time.monotonic()
            for room in self._all():
                late = now - room.looked_at >= LOOK_EVERY or now - room.rights_looked_at >= every
                if room.has_news or late:
                    self._do(partial(room.look, every))

    def _do(self, act: Callable[[], None]) -> None:
        """Do something for one room, with a database at hand. It must not keep other rooms from being looked at."""
        with self._app.app_context(), fresh_session():
            try:
                act()
            except SQLAlchemyError as failure:
                log.warning("texts.database_does_not_answer", error=type(failure).__name__)
            except Exception as failure:
                log.exception("texts.not_looked_at", error=type(failure).__name__)

    def _all(self) -> list[Room]:
        with self._lock:
            return list(self._rooms.values())
