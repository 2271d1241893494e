"""The outbox as a test turns it: rows read and times moved, without waiting."""

from __future__ import annotations

from functools import cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from app.core.database import db
from tests.stage import url_of


def row_of(subject_id: Any) -> Any:
    """The one row of the outbox about this thing."""
    (row,) = rows_of([subject_id])
    return row


def rows_of(subjects: list[Any]) -> list[Any]:
    """The rows of the outbox about these things, in the order in which they were made."""
    query = "SELECT * FROM outbox WHERE subject_id = ANY(%s) ORDER BY created_at, id"
    return _superuser(_database()).execute(query, [subjects]).fetchall()


def change(what: str, where: str, *values: Any) -> None:
    """Set columns of rows, as time would: `change("due_at = now()", "subject_id = %s", id)`."""
    _superuser(_database()).execute(f"UPDATE outbox SET {what} WHERE {where}", values)  # type: ignore[arg-type]


def _database() -> str:
    return str(db.engine.url.database)


@cache
def _superuser(database: str) -> psycopg.Connection[Any]:
    """One connection for all: tests that look often would else spend their time with signing in."""
    return psycopg.connect(url_of(database, "superuser"), autocommit=True, row_factory=namedtuple_row)
