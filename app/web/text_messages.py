"""The messages of a text that is written together: the protocol of y-websocket, with one kind of our own.

A number tells the kind, and within those that carry the text itself a second one what they hold. What is ours (NOTE) is
JSON, which other clients of the protocol pass over.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from app.core.yjs_updates import MOST_CLIENT, Reading, Unreadable, refuse

SYNC, AWARENESS, ASK_AWARENESS, NOTE = 0, 1, 3, 100
STATE, MISSING, UPDATE = 0, 1, 2  # within SYNC: how far one is, all that the other lacks, and what was just done
LONGEST_STATE = 2000  # bytes of what a browser says of itself, of which nothing is used


class Message(NamedTuple):
    """What a browser says. `part` is only of SYNC; `content` is a state, an update, or empty."""

    kind: int
    part: int
    content: bytes


class Presence(NamedTuple):
    """One browser that is at the text, or has left it."""

    client: int
    clock: int
    here: bool


def read_message(message: str | bytes) -> Message:
    """What a browser says. Raises Unreadable."""
    if isinstance(message, str):
        refuse()
    reading = Reading(message)
    kind, part, content = reading.number(), 0, b""
    if kind == SYNC:
        part, content = reading.number(UPDATE + 1), reading.block()
    elif kind == AWARENESS:
        content = reading.block()
    elif kind != ASK_AWARENESS:
        refuse()
    reading.end()
    return Message(kind, part, content)


def read_presence(content: bytes) -> Presence:
    """Whether a browser is at the text. It speaks for itself alone. Raises Unreadable."""
    reading = Reading(content)
    if reading.number() != 1:
        refuse()
    client, clock, state = reading.number(), reading.number(), reading.block()
    reading.end()
    if len(state) > LONGEST_STATE:
        refuse()
    return Presence(client, clock, state.strip() != b"null")


def sync(part: int, content: bytes) -> bytes:
    """A message with a state or an update."""
    return _number(SYNC) + _number(part) + _block(content)


def presence(client: int, clock: int, state: dict[str, Any] | None) -> bytes:
    """A message that tells of one browser, and of whose it is."""
    told = _number(1) + _number(client) + _number(clock) + _block(json.dumps(state).encode())
    return _number(AWARENESS) + _block(told)


def note(**told: Any) -> bytes:
    """A message of our own."""
    return _number(NOTE) + _block(json.dumps(told, separators=(",", ":")).encode())


def _number(value: int) -> bytes:
    assert 0 <= value < MOST_CLIENT, "Numbers are written as JavaScript counts."
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _block(content: bytes) -> bytes:
    return _number(len(content)) + content


__all__ = ["Message", "Presence", "Unreadable", "note", "presence", "read_message", "read_presence", "sync"]
