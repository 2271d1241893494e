"""People at a text: the protocol of y-websocket, spoken by pycrdt over a socket of the live process."""

from __future__ import annotations

import json
import struct

from pycrdt import Doc, Text

from app.core.yjs_updates import Reading
from app.web.text_messages import AWARENESS, NOTE, STATE, SYNC, sync
from app.web.text_messages import MISSING as REST
from app.web.text_messages import UPDATE as CHANGE
from tests.security.test_live import BINARY, CLOSE, exactly, opened, send

PING = 0x9


class Writer:
    """One browser at a text."""

    def __init__(self, server, player, thing, text=None):
        at = f"/live/texts/{thing.kind}/{thing.id}?at={player.organisation.slug}" + (f"&text={text}" if text else "")
        self.connection = opened(server, player.cookie, path=at)
        self.doc, self.words = Doc(), None
        self.text = self.doc.get("text", type=Text)
        self.notes, self.people, self.closed_with = [], {}, None
        self._changes = []
        self.doc.observe(lambda event: self._changes.append(bytes(event.update)))
        self._taking = False

    def __str__(self):
        return str(self.text)

    def join(self):
        """Read until this browser has the text, and has said what it has itself."""
        self.say(sync(STATE, bytes(self.doc.get_state())))
        self.read(lambda kind, part, _content: (kind, part) == (SYNC, REST))
        return self

    @property
    def text_id(self):
        """The id of the text, as the server has told it."""
        return next(note["text"] for note in self.notes if "text" in note)

    def type(self, change):
        """Do something to the text; it is sent by `send_changes`."""
        self._changes.clear()
        with self.doc.transaction():
            change(self.text)
        return [*self._changes]

    def write(self, words):
        """Put words at the end, and wait until they are kept."""
        kept = sum("kept" in note for note in self.notes)
        for update in self.type(lambda text: text.insert(len(str(text).encode()), words)):
            self.say(sync(CHANGE, update))
        self.read(lambda *_message: sum("kept" in note for note in self.notes) > kept)

    def say(self, message, kind=BINARY):
        """Send a message."""
        send(self.connection, kind, message)

    def read(self, enough):
        """Take in what comes until it is enough, or the socket is closed."""
        while self.closed_with is None:
            kind, part, content = self._take()
            if kind is not None and enough(kind, part, content):
                return

    def until(self, true):
        """Take in what comes until something is true, which it may be already."""
        if not true():
            self.read(lambda *_message: true())
        assert true()

    def read_until_it_says(self, words):
        """Take in what others do, until the text is this one."""
        if str(self) != words:
            self.read(lambda *_message: str(self) == words)
        assert str(self) == words

    def ended_with(self):
        """The code with which the socket is closed."""
        self.read(lambda *_message: False)
        return self.closed_with

    def hang_up(self):
        """Go."""
        self.connection.close()

    def _take(self):
        frame, content = receive(self.connection)
        if frame == PING:
            return None, None, None
        if frame == CLOSE:
            self.closed_with = int.from_bytes(content[:2], "big")
            return None, None, None
        reading = Reading(content)
        kind = reading.number()
        if kind == NOTE:
            self.notes.append(json.loads(reading.block()))
            return kind, None, None
        if kind == AWARENESS:
            return kind, None, self._meet(Reading(reading.block()))
        part, told = reading.number(), reading.block()
        if part in (REST, CHANGE):
            self.doc.apply_update(told)
        return kind, part, told

    def _meet(self, told):
        assert told.number() == 1
        client, _clock, state = told.number(), told.number(), json.loads(told.block())
        if state is None:
            self.people.pop(client, None)
        else:
            self.people[client] = state["user"]
        return state


def presence_of(client, clock=1, state=b"{}"):
    """What a browser says of itself, as y-protocols write it."""
    told = bytes([1, client, clock, len(state)]) + state
    return bytes([AWARENESS, len(told)]) + told


def receive(connection):
    """Kind and content of the next frame, however long it is."""
    first, length = exactly(connection, 2)
    if length == 126:
        (length,) = struct.unpack("!H", exactly(connection, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", exactly(connection, 8))
    return first & 0x0F, exactly(connection, length)
