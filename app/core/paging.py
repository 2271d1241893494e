"""Keyset paging: a page starts after the last row of the one before, so it costs the same however deep it is."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, literal_column

from app.core.database import rows_of
from app.core.errors import InvalidParameter

R = TypeVar("R")

DEFAULT_SIZE = 50
LARGEST_SIZE = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: just after, or just before, a row, which is known by its id or by its place in a chain."""

    id: UUID | int
    direction: Literal["after", "before"]

    def __str__(self) -> str:
        mark = b">" if self.direction == "after" else b"<"
        place = self.id.bytes if isinstance(self.id, UUID) else self.id.to_bytes(8, "big")
        return base64.urlsafe_b64encode(mark + place).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """The cursor of a link. Raises InvalidParameter for anything that no page of ours has made."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mark, place = raw[:1], raw[1:]
        if len(place) not in (8, 16) or mark not in (b">", b"<") or (len(place) == 8 and place > _LARGEST_PLACE):
            raise _not_of_this_list()
        row = UUID(bytes=place) if len(place) == 16 else int.from_bytes(place, "big")
        return cls(row, "after" if mark == b">" else "before")


_LARGEST_PLACE = (2**63 - 1).to_bytes(8, "big")  # what PostgreSQL takes as a number


def _not_of_this_list() -> InvalidParameter:
    return InvalidParameter({"cursor": "This is not a cursor of this list. Start again from its first page."})


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is wanted, and how long it may be."""

    cursor: Cursor | None = None
    size: int = DEFAULT_SIZE


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursors of its neighbours."""

    rows: list[R]
    size: int = DEFAULT_SIZE
    next: Cursor | None = None
    prev: Cursor | None = None
    filters: dict[str, Any] = field(default_factory=dict)


class Listing:
    """A list that is read page by page, newest first, or from its beginning with `oldest_first`.

    Made once, with placeholders for what differs between requests. `query` selects `key` under its own name: a UUIDv7
    column, or a whole number that counts up.
    """

    def __init__(self, query: Select[Any], key: ColumnElement[Any], *, oldest_first: bool = False) -> None:
        self._query, self._key, self._oldest_first = query, key, oldest_first
        self._counts = isinstance(key.type, Integer)
        self._statements: dict[tuple[str, int], Select[Any]] = {}

    def page(
        self, session: Any, paging: Paging, filters: dict[str, Any] | None = None, values: dict[str, Any] | None = None
    ) -> Page[Any]:
        """One page, by one statement. `values` fill placeholders, `filters` is what the page was narrowed to.

        Raises InvalidParameter for a cursor of a list of another kind.
        """
        cursor = paging.cursor
        if cursor is not None and isinstance(cursor.id, int) != self._counts:
            raise _not_of_this_list()
        direction = cursor.direction if cursor else "first"
        given = {**(values or {}), "edge": cursor.id} if cursor else values or {}
        rows = list(rows_of(session, self._statement(direction, paging.size), given))
        more, rows = len(rows) > paging.size, rows[: paging.size]
        if direction == "before":
            rows.reverse()
        has_next, has_prev = (True, more) if direction == "before" else (more, cursor is not None)
        return Page(
            rows=rows,
            size=paging.size,
            next=Cursor(self._place_of(rows[-1]), "after") if rows and has_next else None,
            prev=Cursor(self._place_of(rows[0]), "before") if rows and has_prev else None,
            filters={name: value for name, value in (filters or {}).items() if value not in (None, "")},
        )

    def _place_of(self, row: Any) -> UUID | int:
        place: UUID | int = getattr(row, str(self._key.key))
        return place

    def _statement(self, direction: str, size: int) -> Select[Any]:
        """The statement of a page, with one row more than it shows, to know whether more follow.

        The limit is written out: with a placeholder PostgreSQL would have to plan for any, and so plans each time anew.
        """
        if (direction, size) not in self._statements:
            query, key = self._query, self._key
            upwards = (direction == "before") != self._oldest_first
            if direction != "first":
                edge = bindparam("edge", type_=BigInteger() if self._counts else key.type)
                query = query.where(key > edge if upwards else key < edge)
            query = query.order_by(key.asc() if upwards else key.desc())
            self._statements[direction, size] = query.limit(literal_column(str(size + 1)))
        return self._statements[direction, size]
