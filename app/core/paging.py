"""Keyset paging: a page starts after the last row of the one before, so it costs the same however deep it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, literal_column, tuple_

from app.core.database import rows_of
from app.core.errors import InvalidParameter
from app.core.phrases import phrase

R = TypeVar("R")

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
LARGEST_CHUNK = 500  # rows of a page that is shown, and looked at again: more may have come in between


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: just after, or just before, a row.

    A row is known by its id, by its place in a chain, or by its moment and its number: so in a table that is divided
    by time, where a page then reads its own months only.
    """

    id: UUID | int
    direction: Literal["after", "before"]
    moment: datetime | None = None

    def __str__(self) -> str:
        mark = b">" if self.direction == "after" else b"<"
        place = self.id.bytes if isinstance(self.id, UUID) else self.id.to_bytes(8, "big")
        if self.moment is not None:
            place = b"@" + ((self.moment - _EPOCH) // _TICK).to_bytes(8, "big") + place
        return base64.urlsafe_b64encode(mark + place).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """The cursor of a link. Raises InvalidParameter for anything that no page of ours has made."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mark, place, moment = raw[:1], raw[1:], None
        if len(place) == 17 and place[:1] == b"@":
            moment, place = _moment(int.from_bytes(place[1:9], "big")), place[9:]
        if len(place) not in (8, 16) or mark not in (b">", b"<") or (len(place) == 8 and place > _LARGEST_PLACE):
            raise _not_of_this_list()
        row = UUID(bytes=place) if len(place) == 16 else int.from_bytes(place, "big")
        return cls(row, "after" if mark == b">" else "before", moment)


_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_LARGEST_PLACE = (2**63 - 1).to_bytes(8, "big")  # what PostgreSQL takes as a number


def _moment(ticks: int) -> datetime:
    try:
        return _EPOCH + ticks * _TICK
    except OverflowError:
        raise _not_of_this_list() from None


def _not_of_this_list() -> InvalidParameter:
    return InvalidParameter({"cursor": phrase("This is not a cursor of this list. Start again from its first page.")})


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is wanted, and how long it may be; or else a page that is shown, from its first row to its `last`.

    Without a `first` it is the one at the beginning, into which new rows come.
    """

    cursor: Cursor | None = None
    size: int = DEFAULT_SIZE
    first: Cursor | None = None
    last: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, between which of them it is found again, and the cursors of its neighbours."""

    rows: list[R]
    size: int = DEFAULT_SIZE
    first: Cursor | None = None
    last: Cursor | None = None
    next: Cursor | None = None
    prev: Cursor | None = None
    filters: dict[str, Any] = field(default_factory=dict)


class Listing:
    """A list that is read page by page, newest first, or from its beginning with `oldest_first`.

    Made once, with placeholders for what differs between requests. `query` selects `key` under its own name: a UUIDv7
    column, or a whole number that counts up. `moment`, where it is given, comes before the key in the order.
    """

    def __init__(
        self,
        query: Select[Any],
        key: ColumnElement[Any],
        *,
        oldest_first: bool = False,
        moment: ColumnElement[Any] | None = None,
    ) -> None:
        self._query, self._key, self._oldest_first, self._moment = query, key, oldest_first, moment
        self._counts = isinstance(key.type, Integer)
        self._statements: dict[tuple[str, int], Select[Any]] = {}

    def page(
        self, session: Any, paging: Paging, filters: dict[str, Any] | None = None, values: dict[str, Any] | None = None
    ) -> Page[Any]:
        """One page, by one statement. `values` fill placeholders, `filters` is what the page was narrowed to.

        Raises InvalidParameter for a cursor of a list of another kind.
        """
        if paging.last is not None:
            return self._again(session, paging.first, paging.last, values or {})
        cursor = paging.cursor
        if cursor is not None and (
            isinstance(cursor.id, int) != self._counts or (cursor.moment is None) != (self._moment is None)
        ):
            raise _not_of_this_list()
        direction = cursor.direction if cursor else "first"
        given = dict(values or {})
        if cursor is not None:
            given |= {"edge": cursor.id} | ({} if cursor.moment is None else {"edge_moment": cursor.moment})
        rows = list(rows_of(session, self._statement(direction, paging.size), given).all())
        more, rows = len(rows) > paging.size, rows[: paging.size]
        if direction == "before":
            rows.reverse()
        has_next, has_prev = (True, more) if direction == "before" else (more, cursor is not None)
        return Page(
            rows=rows,
            size=paging.size,
            first=self._cursor(rows[0], "after") if rows and has_prev else None,
            last=self._cursor(rows[-1], "after") if rows else None,
            next=self._cursor(rows[-1], "after") if rows and has_next else None,
            prev=self._cursor(rows[0], "before") if rows and has_prev else None,
            filters={name: value for name, value in (filters or {}).items() if value not in (None, "")},
        )

    def first_page(self, size: int) -> Select[Any]:
        """The statement of the first page, for whoever asks the database how it is carried out."""
        return self._statement("first", size)

    def _again(self, session: Any, first: Cursor | None, last: Cursor, values: Mapping[str, Any]) -> Page[Any]:
        """What is now between two rows that were shown, both of them too."""
        if self._moment is not None or any(isinstance(each.id, int) != self._counts for each in (first, last) if each):
            raise _not_of_this_list()
        bounds = {"first": first.id if first else None, "last": last.id}
        given = dict(values) | {name: value for name, value in bounds.items() if value is not None}
        return Page(rows=list(rows_of(session, self._between(first is not None), given).all()), size=LARGEST_CHUNK)

    def _between(self, has_first: bool) -> Select[Any]:
        known = ("between", int(has_first))
        if known not in self._statements:
            kind = BigInteger() if self._counts else self._key.type
            low, high = ("first", "last") if self._oldest_first else ("last", "first")
            query = self._query
            if has_first or high != "first":
                query = query.where(self._key <= bindparam(high, type_=kind))
            if has_first or low != "first":
                query = query.where(self._key >= bindparam(low, type_=kind))
            query = query.order_by(self._key.asc() if self._oldest_first else self._key.desc())
            self._statements[known] = query.limit(literal_column(str(LARGEST_CHUNK)))
        return self._statements[known]

    def _cursor(self, row: Any, direction: Literal["after", "before"]) -> Cursor:
        moment = None if self._moment is None else getattr(row, str(self._moment.key))
        return Cursor(getattr(row, str(self._key.key)), direction, moment)

    def _statement(self, direction: str, size: int) -> Select[Any]:
        """The statement of a page, with one row more than it shows, to know whether more follow.

        The limit is written out: with a placeholder PostgreSQL would have to plan for any, and so plans each time anew.
        """
        if (direction, size) not in self._statements:
            query = self._query
            order = [self._key] if self._moment is None else [self._moment, self._key]
            upwards = (direction == "before") != self._oldest_first
            if direction != "first":
                query = query.where(*self._beyond_the_edge(upwards))
            query = query.order_by(*(each.asc() if upwards else each.desc() for each in order))
            self._statements[direction, size] = query.limit(literal_column(str(size + 1)))
        return self._statements[direction, size]

    def _beyond_the_edge(self, upwards: bool) -> list[ColumnElement[bool]]:
        edge = bindparam("edge", type_=BigInteger() if self._counts else self._key.type)
        if self._moment is None:
            return [self._key > edge if upwards else self._key < edge]
        at = bindparam("edge_moment", type_=self._moment.type)
        row, place = tuple_(self._moment, self._key), tuple_(at, edge)
        # A comparison of rows leaves out no partition; that of the moment alone does.
        if upwards:
            return [self._moment >= at, row > place]
        return [self._moment <= at, row < place]
