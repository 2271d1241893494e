"""Keyset paging: a page starts after the last row of the one before, so it costs the same however deep it is."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select

from app.core.errors import InvalidParameter

R = TypeVar("R")

DEFAULT_SIZE = 50
LARGEST_SIZE = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: just after, or just before, a row."""

    id: UUID
    direction: Literal["after", "before"]

    def __str__(self) -> str:
        mark = b">" if self.direction == "after" else b"<"
        return base64.urlsafe_b64encode(mark + self.id.bytes).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """The cursor of a link. Raises InvalidParameter for anything that no page of ours has made."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 17 or raw[:1] not in (b">", b"<"):
            raise InvalidParameter({"cursor": "This is not a cursor of this list. Start again from its first page."})
        return cls(UUID(bytes=raw[1:]), "after" if raw[:1] == b">" else "before")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is wanted, and how long it may be."""

    cursor: Cursor | None = None
    size: int = DEFAULT_SIZE


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, newest first, and the cursors of its neighbours."""

    rows: list[R]
    size: int = DEFAULT_SIZE
    next: Cursor | None = None
    prev: Cursor | None = None
    filters: dict[str, Any] = field(default_factory=dict)


def page_of(
    session: Any, query: Select[Any], key: ColumnElement[Any], paging: Paging, filters: dict[str, Any] | None = None
) -> Page[Any]:
    """One page of `query`, newest first by `key`, a UUIDv7 column that the query selects as `id`. One statement."""
    cursor = paging.cursor
    backwards = cursor is not None and cursor.direction == "before"
    if cursor is not None:
        query = query.where(key > cursor.id if backwards else key < cursor.id)
    query = query.order_by(key.asc() if backwards else key.desc()).limit(paging.size + 1)
    rows = list(session.execute(query).all())
    more, rows = len(rows) > paging.size, rows[: paging.size]
    if backwards:
        rows.reverse()
    has_next, has_prev = (True, more) if backwards else (more, cursor is not None)
    return Page(
        rows=rows,
        size=paging.size,
        next=Cursor(rows[-1].id, "after") if rows and has_next else None,
        prev=Cursor(rows[0].id, "before") if rows and has_prev else None,
        filters={name: value for name, value in (filters or {}).items() if value not in (None, "")},
    )
