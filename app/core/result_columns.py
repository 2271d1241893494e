"""What the columns of a result are called and are of: found out when somebody asks.

SQLAlchemy asks each result for its description only to learn whether there is one, as it knows itself what it has
selected. psycopg makes an object of each column for that: eighty for the page of a task, a twentieth of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import psycopg


class Columns(Sequence[Any]):
    """The columns of the result that a cursor has come to."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor

    @cached_property
    def _described(self) -> list[psycopg.Column]:
        return psycopg.Cursor.description.fget(self._cursor) or []  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self._described)

    def __getitem__(self, index: Any) -> Any:
        return self._described[index]


class Cursor(psycopg.Cursor[Any]):
    """A cursor that says of a result that it has columns, and which when it is asked."""

    @property
    def description(self) -> Any:
        """The columns; None where nothing was selected."""
        return Columns(self) if self.pgresult and self.pgresult.nfields else super().description


def describe_when_asked(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Have a new connection give out such cursors."""
    connection.cursor_factory = Cursor
