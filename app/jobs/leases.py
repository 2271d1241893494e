"""Leases: which rows of the outbox this process works on, said again and again while it lives.

A leased row is due a few seconds from now, and is handed to nobody else until then. When the process dies the row falls
due by itself: so a dead worker costs seconds, and a slow one is never doubled by an eager one.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import db

SECONDS = 5.0
RENEWED_EVERY = 1.5  # seconds

log = structlog.get_logger(__name__)

# What waits in a queue was sent and has not been taken; what is due is nobody's any more. In one order: no deadlock.
_take = text("""
    UPDATE outbox SET sent_at = NULL, due_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id IN (SELECT id FROM outbox WHERE id = ANY(:ids) AND done_at IS NULL AND failed_at IS NULL
                 AND (sent_at IS NOT NULL OR due_at <= clock_timestamp()) ORDER BY id FOR UPDATE)
    RETURNING id, subject_id""")
_renew = text("""
    UPDATE outbox SET due_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = ANY(:ids) AND sent_at IS NULL AND done_at IS NULL AND failed_at IS NULL
      AND due_at < clock_timestamp() + make_interval(secs => :seconds)""")
_enter = text("SELECT set_config('oversing.tenant', :tenant, true)")


@contextmanager
def leased(tenant_id: UUID, ids: Collection[UUID]) -> Iterator[dict[UUID, UUID]]:
    """Those of the rows that nobody else works on, each with its subject. Take out what needs no lease any more."""
    rows = db.session.execute(_take, {"ids": list(ids), "seconds": SECONDS})
    held = {row.id: row.subject_id for row in rows}
    db.session.commit()
    finished = threading.Event()
    keeper = threading.Thread(target=_keep, args=(db.engine, tenant_id, held, finished), daemon=True)
    keeper.start()
    try:
        yield held
    finally:
        finished.set()
        keeper.join()


def _keep(engine: Engine, tenant_id: UUID, held: dict[UUID, Any], finished: threading.Event) -> None:
    """Renew the lease until the work is finished. Where that fails, it runs out, and somebody else takes over."""
    while not finished.wait(RENEWED_EVERY):
        try:
            with engine.begin() as connection:
                connection.execute(_enter, {"tenant": str(tenant_id)})
                connection.execute(_renew, {"ids": list(held), "seconds": SECONDS})
        except SQLAlchemyError as failure:
            log.warning("lease.not_renewed", error=type(failure).__name__)
