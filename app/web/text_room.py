"""A room: where the browsers of one live process that write the same text meet.

What a browser does to the text is kept in PostgreSQL before anybody else is told, each time by asking again whether its
person may. Rooms of other processes are only told that there is something new, and read it there; where nobody tells
them, they look by themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any
from uuid import UUID

import structlog
from simple_websocket import Server

from app.commands.shared_texts import keep_update, open_shared_text
from app.core import tenancy
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import DomainError, Forbidden, NotFound
from app.core.shared_documents import Broken, Document, Missing
from app.core.transaction import end_reading
from app.core.yjs_updates import Unreadable
from app.models.shared_texts import SharedText
from app.queries.identity import find_members
from app.queries.shared_texts import KINDS, find_shared_text, get_thing, names_of, updates_of
from app.queries.socket_holders import Holder
from app.web import text_messages as messages
from app.web.sockets import TRY_LATER, Socket
from app.web.text_messages import Presence
from app.web.text_refusals import GONE, NOT_ALLOWED
from app.web.text_relay import Relay

LOOK_EVERY = 5.0  # seconds after which a room looks by itself for what nobody has told it
PRESENT_FOR = 30.0  # seconds after which somebody elsewhere who says nothing has left: as in y-protocols
MOST_BYTES = 2 * 1024 * 1024  # that wait for one browser
MOST_IN_A_ROOM = 50
NEVER = float("-inf")

log = structlog.get_logger(__name__)


class TextSocket(Socket):
    """One browser at a text."""

    def __init__(self, server: Server, holder: Holder) -> None:
        super().__init__(server, holder)
        self.room: Room | None = None
        self.may_write = self.sees_names = False
        self.lies_in: tuple[UUID, ...] = ()  # where the thing lies that the text is of
        self.client: int | None = None  # as the browser calls itself; it speaks for no other
        self.clock = 0
        self.kept = 0  # updates of this browser that are kept

    def tell(self, message: str | bytes) -> None:
        """Have a message sent, unless more waits already than a browser takes that still reads."""
        if sum(map(len, self._outbox)) + len(message) > MOST_BYTES:
            self.end(TRY_LATER, "Too much was waiting.")
        elif isinstance(message, bytes):  # what is said to all sockets in words is about channels
            super().tell(message)

    def resync(self) -> None:
        """What is told to all sockets is nothing to a text."""

    def look_with(self, actor: Actor | None, kind: str, row: Any) -> None:
        """Note what the person may do now with the thing that the text is of."""
        self.viewer = actor
        self.lies_in = (row.program_id, row.id) if kind == "task" else (row.id,)
        self.may_write = actor is not None and actor.may(f"{kind}.update", *self.lies_in)
        self.sees_names = actor is not None and actor.may_somewhere("user.view")


class Room:
    """One text, as this process has it, and who is at it here."""

    def __init__(self, tenant_id: UUID, kind: str, row_id: UUID, text: SharedText, relay: Relay) -> None:
        self.tenant_id, self.kind, self.row_id, self.text_id = tenant_id, kind, row_id, text.id
        self.sockets: set[TextSocket] = set()
        self.looked_at, self.rights_looked_at = NEVER, time.monotonic()
        self.has_news = True
        self._relay = relay
        self._document: Document | None = None
        self._heard = -1  # the number of the last update that the document has; before there is any document, -1
        self._saved: dict[str, Any] = {}  # what was told last of the newest version
        self._elsewhere: dict[int, tuple[int, int, float]] = {}  # by client: clock, person, and until when
        self._names: dict[int, str] = {}
        self._lock = threading.RLock()

    # Coming and going.

    def welcome(self, socket: TextSocket, row: Any) -> None:
        """Tell somebody who has come where the text stands, and who else is here."""
        with self._lock:
            document = self._loaded(row)
            self._look_at_version(row)
            socket.tell(messages.note(text=str(self.text_id), writes=socket.may_write, **self._version_for(socket)))
            socket.tell(messages.sync(messages.STATE, document.state))
        self.tell_who_is_here(socket)

    def tell_who_is_here(self, socket: TextSocket) -> None:
        """Tell one browser of all others."""
        for other in list(self.sockets):
            if other is not socket and other.client is not None:
                socket.tell(self._presence(socket, other.client, other.clock, other.holder.user_id))
        for client, (clock, user_id, _until) in list(self._elsewhere.items()):
            socket.tell(self._presence(socket, client, clock, user_id))

    def part(self, socket: TextSocket) -> None:
        """Tell the others that somebody has left."""
        self.sockets.discard(socket)
        if socket.client is not None:
            self._tell_presence(socket.client, socket.clock + 1, None)
            self._relay.tell_presence(self.text_id, socket.client, socket.clock + 1, None)

    # What a browser says.

    def answer(self, socket: TextSocket, state: bytes) -> None:
        """Give somebody all that they lack. Raises Unreadable."""
        with self._lock:
            document = self._loaded()
            socket.tell(messages.sync(messages.MISSING, document.updates_since(state)))

    def take(self, socket: TextSocket, update: bytes) -> None:
        """Keep what somebody did, and tell all others.

        Raises Unreadable, Forbidden for who may only read, NotFound where the text is gone, Conflict where it is full.
        """
        actor = self._people([socket]).get(socket.holder.user_id)
        if actor is None:
            raise NotFound
        if not actor.may(f"{self.kind}.update", *socket.lies_in):
            raise Forbidden.lacking(f"{self.kind}.update")
        end_reading()  # nobody waits for a room with a connection to the database in their hands
        with self._lock:
            try:
                news = self._loaded().apply(update)
            except Missing:
                socket.tell(messages.sync(messages.STATE, self._loaded().state))
                return
            except Broken:
                self._document = None
                raise
            if news is not None:
                number = self._keep(actor, news)
            socket.kept += 1
            socket.tell(messages.note(kept=socket.kept))
            if news is None:
                return
            if number == self._heard + 1:
                self._heard = number
            else:  # somebody in another process was faster, and is heard by the next look
                self.has_news = True
            self._broadcast(news, but=socket)
        self._relay.tell_number(self.text_id, number)

    def _keep(self, actor: Actor, news: bytes) -> int:
        try:
            return keep_update(actor, self.kind, self.row_id, self.text_id, news)
        except BaseException:  # the document has what is not kept: it is read anew
            self._document = None
            raise

    def note_presence(self, socket: TextSocket, told: Presence) -> None:
        """Pass on that somebody is here, or has gone. Raises Unreadable for who speaks as somebody else."""
        if socket.client not in (None, told.client) or not self._may_be(socket, told.client):
            raise Unreadable("A browser speaks for itself alone.")
        socket.client, socket.clock = told.client, told.clock
        user_id = socket.holder.user_id if told.here else None
        self._tell_presence(told.client, told.clock, user_id, but=socket)
        self._relay.tell_presence(self.text_id, told.client, told.clock, user_id)

    def _may_be(self, socket: TextSocket, client: int) -> bool:
        """Whether a browser may call itself so: also one that comes back before it was noticed that it had gone."""
        user_id = socket.holder.user_id
        before = [other for other in list(self.sockets) if other.client == client and other is not socket]
        elsewhere = self._elsewhere.get(client)
        if any(other.holder.user_id != user_id for other in before) or (elsewhere and elsewhere[1] != user_id):
            return False
        for ghost in before:
            ghost.client = None
        return True

    def hear_presence(self, client: int, clock: int, user_id: int | None) -> None:
        """Note who is at the text in another process."""
        if user_id is None:
            self._elsewhere.pop(client, None)
        else:
            self._elsewhere[client] = (clock, user_id, time.monotonic() + PRESENT_FOR)
        self._tell_presence(client, clock, user_id)

    # Looking by itself.

    def look(self, every: float) -> None:
        """Find out what is new, and who may still be here. Raises SQLAlchemyError."""
        self.looked_at, self.has_news = time.monotonic(), False
        if self.looked_at - self.rights_looked_at >= every:
            self.rights_looked_at = self.looked_at
            self._look_at_rights()
            end_reading()
        for client, (clock, _user_id, until) in list(self._elsewhere.items()):
            if until < self.looked_at:
                self.hear_presence(client, clock + 1, None)
        reader = next((socket.viewer for socket in list(self.sockets) if socket.viewer is not None), None)
        if reader is None:
            return
        with tenancy.entered(db.session, self.tenant_id), self._lock:
            try:
                row = get_thing(reader, self.kind, self.row_id)
            except DomainError:
                self.rights_looked_at = NEVER  # who read for all may not any more: each is asked the next time
                self.has_news = True
                return
            self._hear_updates(row)
            if self._look_at_version(row):
                for socket in list(self.sockets):
                    socket.tell(messages.note(**self._version_for(socket)))
        end_reading()

    def _hear_updates(self, row: Any) -> None:
        """Tell what other processes have kept."""
        document = self._loaded(row)
        for number, update in updates_of(row, self.text_id, self._heard):
            try:
                news = document.apply(update)
            except (Missing, Unreadable):  # what this process has is not what is kept: it is read anew
                self._document = None
                raise
            if news is not None:
                self._broadcast(news)
            self._heard = number

    def _people(self, sockets: Collection[TextSocket]) -> dict[int, Actor]:
        """Who holds these sockets, with what they may do by now with the thing that the text is of. One query."""
        return find_members(self.tenant_id, {socket.holder.user_id for socket in sockets}, [self.row_id])

    def _look_at_rights(self) -> None:
        people = self._people(list(self.sockets))
        for socket in list(self.sockets):
            actor, could_write = people.get(socket.holder.user_id), socket.may_write
            try:
                if actor is None:
                    raise NotFound
                with tenancy.entered(db.session, self.tenant_id):
                    row = get_thing(actor, self.kind, self.row_id)
            except DomainError:
                socket.end(GONE, "There is no such text.")
                continue
            socket.look_with(actor, self.kind, row)
            if could_write and not socket.may_write:
                socket.end(NOT_ALLOWED, "You may only read this.")

    def _look_at_version(self, row: Any) -> bool:
        """Find out which version the text rests on. Returns whether that has changed since it was told."""
        text = find_shared_text(row)
        if text is None or text.id != self.text_id:
            self.end_all()
            return False
        if row.version != text.base_version and self._make_way():
            return False
        words = self._loaded(row).words
        saved = {"version": text.base_version, "by": text.saved_by_user_id, "saved": words == row.description}
        saved["elsewhere"] = row.version != text.base_version
        before, self._saved = self._saved, saved
        return before != saved

    def _make_way(self) -> bool:
        """Whether this text has given way to words that were saved elsewhere: where it had none that are not saved."""
        for socket in list(self.sockets):
            if socket.viewer is not None and socket.may_write:
                try:
                    text = open_shared_text(socket.viewer, self.kind, self.row_id)
                except DomainError:
                    continue
                if text.id != self.text_id:
                    self.end_all()
                    return True
                return False
        return False

    def end_all(self) -> None:
        """Close all sockets: another text has begun, or there is none any more."""
        for socket in list(self.sockets):
            socket.end(GONE, "This text has ended.")

    # The document, and telling.

    def _loaded(self, row: Any = None) -> Document:
        """The document; read from the database where this process does not have it, or could not trust it any more."""
        if self._document is None:
            with tenancy.entered(db.session, self.tenant_id):
                row = row or db.session.get_one(KINDS[self.kind], self.row_id)
                updates = updates_of(row, self.text_id)
                self._document = Document(update for _number, update in updates)
                before, self._heard = self._heard, updates[-1][0] if updates else 0
            end_reading()
            if before >= 0:  # what others have not been told meanwhile, they are told now
                self._broadcast(self._document.updates_since())
        return self._document

    def _version_for(self, socket: TextSocket) -> dict[str, Any]:
        saved, user_id = self._saved, self._saved.get("by")
        known = user_id is not None and (socket.sees_names or user_id == socket.holder.user_id)
        return saved | {"by": self._name_of(user_id) if known else None, "mine": user_id == socket.holder.user_id}

    def _broadcast(self, update: bytes, but: TextSocket | None = None) -> None:
        message = messages.sync(messages.UPDATE, update)
        for socket in list(self.sockets):
            if socket is not but:
                socket.tell(message)

    def _tell_presence(self, client: int, clock: int, user_id: int | None, but: TextSocket | None = None) -> None:
        for socket in list(self.sockets):
            if socket is not but and socket.client != client:
                socket.tell(self._presence(socket, client, clock, user_id))

    def _presence(self, socket: TextSocket, client: int, clock: int, user_id: int | None) -> bytes:
        if user_id is None:
            return messages.presence(client, clock, None)
        known = socket.sees_names or user_id == socket.holder.user_id
        user = {"id": user_id, "name": self._name_of(user_id)} if known else {}
        return messages.presence(client, clock, {"user": user})

    def _name_of(self, user_id: int | None) -> str | None:
        if user_id is not None and user_id not in self._names:
            with tenancy.entered(db.session, self.tenant_id):
                self._names |= names_of(self.tenant_id, [user_id])
            end_reading()
        return self._names.get(user_id) if user_id is not None else None
