"""What may be let into a document: changes of its one text, in the form that Yjs gives them (update format 1).

The library that keeps documents trusts the counts in what it reads: four bytes can have it reserve memory for hundreds
of millions of entries. So each update and each state is read here first, strictly, and whatever no text needs (other
types, formats, embedded things) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

NAME = "text"  # of the one text in each document
MOST_CLIENT = 2**53  # as JavaScript counts
MOST_CLOCK = 2**26  # letters that one client can have written
GC, DELETED, STRING = 0, 1, 4
KIND, LEFT, RIGHT, KEYED = 0x1F, 0x80, 0x40, 0x20


class Unreadable(ValueError):
    """What came is no update, or no state, of a text."""


class Reading:
    """Bytes, and how far they are read."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    @property
    def left(self) -> int:
        """How many bytes there still are."""
        return len(self._content) - self._place

    def take(self, size: int) -> bytes:
        """The next bytes. Raises Unreadable where there are not as many."""
        if size > self.left:
            refuse()
        self._place += size
        return self._content[self._place - size : self._place]

    def number(self, most: int = MOST_CLIENT) -> int:
        """A number below `most`: seven bits in each byte, the lowest first. Raises Unreadable."""
        found, shift = 0, 0
        while True:
            (byte,) = self.take(1)
            found |= (byte & 0x7F) << shift
            if found >= most or shift > 56:
                refuse()
            if byte < 0x80:
                return found
            shift += 7

    def count(self, smallest: int) -> int:
        """How many things follow, of at least so many bytes each. Raises Unreadable where they cannot all be there."""
        return self.number(self.left // smallest + 1)

    def block(self) -> bytes:
        """Bytes with their length before them. Raises Unreadable."""
        return self.take(self.number())

    def string(self) -> str:
        """The same as text. Raises Unreadable."""
        try:
            return self.block().decode()
        except UnicodeDecodeError:
            refuse()

    def end(self) -> None:
        """Go on only if all was read. Raises Unreadable."""
        if self.left:
            refuse()


def refuse() -> NoReturn:
    """Say that this cannot be read. Raises Unreadable."""
    raise Unreadable("This is no change of a text.")


@dataclass(slots=True)
class Reach:
    """What an update holds, client by client: from which letter on, up to which one, and what it builds upon."""

    first: dict[int, int] = field(default_factory=dict)
    end: dict[int, int] = field(default_factory=dict)
    needs: dict[int, int] = field(default_factory=dict)

    def need(self, client: int, end: int) -> None:
        """Note that letters of a client up to `end` have to be there."""
        self.needs[client] = max(end, self.needs.get(client, 0))

    def follows(self, known: dict[int, int]) -> bool:
        """Whether it can be put on top of what is known, with nothing missing in between."""
        begun = all(first <= known.get(client, 0) for client, first in self.first.items())
        there = (end <= max(known.get(client, 0), self.end.get(client, 0)) for client, end in self.needs.items())
        return begun and all(there)

    def is_in(self, known: dict[int, int]) -> bool:
        """Whether all of it is known."""
        return all(end <= known.get(client, 0) for client, end in self.end.items())


def read_update(update: bytes) -> Reach:
    """What `update` holds, which is changes of a text and nothing else. Raises Unreadable."""
    reading, reach = Reading(update), Reach()
    for _client in range(reading.count(4)):
        structs, client, clock = reading.count(2), reading.number(), reading.number(MOST_CLOCK)
        if client in reach.first:
            refuse()
        reach.first[client] = clock
        for _struct in range(structs):
            clock += _read_struct(reading, reach)
            if clock >= MOST_CLOCK:
                refuse()
        reach.end[client] = clock
    for _client in range(reading.count(3)):
        client = reading.number()
        for _range in range(reading.count(2)):
            end = reading.number(MOST_CLOCK) + reading.number(MOST_CLOCK)
            reach.need(client, end)
    reading.end()
    return reach


def read_state(state: bytes) -> dict[int, int]:
    """How far somebody is, client by client. Raises Unreadable."""
    reading = Reading(state)
    known = {reading.number(): reading.number(MOST_CLOCK) for _client in range(reading.count(2))}
    reading.end()
    return known


def _read_struct(reading: Reading, reach: Reach) -> int:
    """Read one piece, and return how many letters long it is."""
    (info,) = reading.take(1)
    kind = info & KIND
    if kind == GC:
        return _some(reading.number(MOST_CLOCK))
    if kind not in (DELETED, STRING):
        refuse()
    for side in (LEFT, RIGHT):
        if info & side:
            reach.need(reading.number(), reading.number(MOST_CLOCK) + 1)
    if not info & (LEFT | RIGHT) and (reading.number(2) != 1 or reading.string() != NAME or info & KEYED):
        refuse()
    if kind == DELETED:
        return _some(reading.number(MOST_CLOCK))
    return _some(len(reading.string().encode("utf-16-le")) // 2)


def _some(length: int) -> int:
    if length == 0:
        refuse()
    return length
