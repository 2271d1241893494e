"""What the audit trail says, read as the auditor: the one role that may see all of it and change none of it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import text

from app.core.database import db
from tests.running import PATIENCE
from tests.stage import url_of

_connections: dict[str, psycopg.Connection[Any]] = {}  # by address; to let somebody in takes longer than most queries


def audit_trail(subject: Any) -> list[str]:
    """What happened to a thing, as the types of its events, oldest first."""
    return [event.event_type for event in audit_rows(subject)]


def audit_rows(subject: Any) -> list[Any]:
    """The rows of the audit trail that are about a thing, oldest first."""
    entity_type = "".join(word.capitalize() for word in subject.kind.split("_"))
    return as_auditor(
        "SELECT * FROM audit.audit_events WHERE entity_type = %s AND entity_id = %s ORDER BY id",
        entity_type,
        str(subject.id),
    )


def custody(certification_id: UUID) -> list[Any]:
    """The chain of custody of a certification, oldest first."""
    return as_auditor(
        "SELECT * FROM audit.certification_audit_log WHERE certification_id = %s ORDER BY sequence", certification_id
    )


def as_auditor(query: str, *values: Any) -> list[Any]:
    """The rows of a query, as the auditor sees them in the database of this test run."""
    return _rows("auditor", query, values)


def as_superuser(query: str, *values: Any) -> list[Any]:
    """The rows of a query with nothing hidden: no role of the product sees this much."""
    return _rows("superuser", query, values)


def await_in_line(how_many: int) -> None:
    """Wait until so many wait for a lock in the database of this test run. They have to `be_patient`."""
    deadline = time.monotonic() + PATIENCE
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while len(as_superuser(waiting)) < how_many:
        assert time.monotonic() < deadline, "Nobody waits."


def be_patient() -> None:
    """Let a command of a test wait for locks as long as it takes, and not only as long as a person would."""
    db.session.execute(text("SET LOCAL lock_timeout = 0"))


def _rows(role: str, query: str, values: tuple[Any, ...]) -> list[Any]:
    """What a query finds in a transaction of its own."""
    place = url_of(str(db.engine.url.database), role)
    try:
        return _connection(place).execute(query, values).fetchall()  # type: ignore[arg-type]
    except psycopg.OperationalError:
        if not _connection(place).closed:
            raise
    del _connections[place]  # somebody has ended it since it was last used
    return _connection(place).execute(query, values).fetchall()  # type: ignore[arg-type]


def _connection(place: str) -> psycopg.Connection[Any]:
    if place not in _connections:
        _connections[place] = psycopg.connect(place, autocommit=True, row_factory=namedtuple_row)
    return _connections[place]
