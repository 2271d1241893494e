"""The clock: relay, audit chain, partitions and clearing up. Any number may run; one works, by an advisory lock."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import db, fresh_session
from app.core.outbox import CHANNEL
from app.jobs import audit_chain, audit_heads, relay

LOCK = 0x0E75_1CE0  # any number that nothing else in this database locks
MONTHS_AHEAD = 3
TICK = 1.0  # seconds between two looks where nothing calls
TIDY_EVERY = 300.0
AT_ONCE = min(relay.AT_ONCE, audit_chain.AT_ONCE)  # who has done as much at once has more to do

log = structlog.get_logger(__name__)

_TIDY = (
    "SELECT audit.ensure_partitions(3)",
    "DELETE FROM audit_export_parts WHERE created_at < now() - interval '36 hours'",
    "DELETE FROM outbox WHERE done_at < now() - interval '7 days'",
    "DELETE FROM idempotency_keys WHERE created_at < now() - interval '2 days'",
    "DELETE FROM user_sessions WHERE expires_at < now()",
    "DELETE FROM known_devices WHERE expires_at < now()",
    "DELETE FROM password_resets WHERE expires_at < now()",
    "DELETE FROM sign_ups WHERE expires_at < now()",
    "DELETE FROM sign_in_attempts WHERE window_ends_at < now() - interval '1 hour'",
    # Texts written together: a day after all was saved, or a month after the last word that nobody has saved.
    "DELETE FROM shared_texts WHERE changed_at < now() - interval '1 day' AND editor_ids = '{}'",
    "DELETE FROM shared_texts WHERE changed_at < now() - interval '30 days'",
)


def run(url: str, stopping: threading.Event, heads: Path | None = None) -> None:
    """Work until `stopping` is set, and keep heads of the chain in `heads`. A database that goes away is waited for."""
    while not stopping.is_set():
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=5) as watch:
                _work(watch, stopping, heads)
        except (psycopg.Error, SQLAlchemyError) as failure:
            log.warning("clock.database_does_not_answer", error=type(failure).__name__)
            stopping.wait(TICK)


def _work(watch: psycopg.Connection, stopping: threading.Event, heads: Path | None) -> None:
    """Hold the lock on `watch` and do what is due, whenever somebody calls and at least once a second."""
    while not stopping.is_set() and not _locked(watch):
        stopping.wait(TICK)
    watch.execute(f"LISTEN {CHANNEL}")
    settled, tidy_at = audit_chain.Settled(), time.monotonic()
    kept = None if heads is None else audit_heads.Heads(heads)
    while not stopping.is_set():
        with fresh_session():
            while max(relay.hand_over(), audit_chain.link_events(settled)) >= AT_ONCE:
                pass
            if kept is not None:
                kept.look()
            if time.monotonic() >= tidy_at:
                tidy()
                tidy_at = time.monotonic() + TIDY_EVERY
        for _call in watch.notifies(timeout=TICK, stop_after=1):
            break


def tidy() -> None:
    """Link what came very late, make the months ahead, and forget what nobody needs any more.

    Each by itself: where one fails, the others are done.
    """
    for task in (audit_chain.link_latecomers, *(partial(_execute, statement) for statement in _TIDY)):
        try:
            task()
        except SQLAlchemyError as failure:
            db.session.rollback()
            log.error("clock.not_tidied", task=str(task), error=type(failure).__name__)


def _execute(statement: str) -> None:
    db.session.execute(text(statement))
    db.session.commit()


def _locked(watch: psycopg.Connection) -> bool:
    row = watch.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
