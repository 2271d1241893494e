"""Heads of the audit chain, outside of the database: who could rewrite the whole chain there cannot rewrite these.

At most once a minute a line says where the chain has come to; the signed one follows within a second or so:
docs/formats/audit-chain.md. Ship the file elsewhere as it grows; `python -m runcible audit verify` compares.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text

from app.core.database import db
from app.jobs.relay import queue_named
from runcible.certification.dsse import Envelope
from runcible.storage.audit_heads import MOST_LINKS, head_line, head_of, read_heads, signed_line

EVERY = 60.0  # seconds between two lines
MOST_LINES = 1000  # that are written at once
TAIL = 64 * 1024

log = structlog.get_logger(__name__)

_last = text("SELECT sequence, hash, created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_links = text("""
    SELECT sequence, event_id, event_created_at, hash, created_at FROM audit.audit_chain
    WHERE sequence > :since AND sequence <= :until ORDER BY sequence""")
_newest_signed = text("SELECT max(sequence) FROM audit_heads")
_signed_after = text("SELECT envelope FROM audit_heads WHERE sequence > :kept ORDER BY sequence LIMIT :at_once")


class Heads:
    """The file of heads, as the clock keeps it: looked after at every tick, written at most once a minute."""

    def __init__(self, path: Path) -> None:
        self._path, self._due, self._kept = path, time.monotonic(), -1

    def look(self) -> None:
        """Write what is due. A disk that takes no line must not stop the chain itself: it is said, and tried again."""
        due = time.monotonic() >= self._due
        if due:
            self._due = time.monotonic() + EVERY
        try:
            if due:
                keep_head(self._path)
                ask_for_a_signature()
            if self._kept < 0:
                self._kept = newest_signed_in(self._path)
            self._kept = keep_signed(self._path, self._kept)
        except OSError as failure:
            log.error("clock.head_not_kept", file=str(self._path), error=type(failure).__name__)


def keep_head(path: Path) -> int | None:
    """Append a line for what was linked since the last line, if anything was. Returns its sequence, or None.

    Raises OSError where the file cannot be written.
    """
    last = db.session.execute(_last).first()
    written = _newest_in(path)
    if last is None or last.sequence <= written:
        db.session.rollback()
        return None
    since = max(written, last.sequence - MOST_LINKS)
    line = head_line(head_of(last, since, db.session.execute(_links, {"since": since, "until": last.sequence})))
    db.session.rollback()
    _append(path, [line])
    return int(last.sequence)


def ask_for_a_signature() -> None:
    """Have the signer sign how far the chain has come. A call that is lost is made again in a minute."""
    last, signed = db.session.execute(_last).first(), db.session.scalar(_newest_signed)
    db.session.rollback()
    if last is None or last.sequence <= (signed or 0):
        return
    try:
        queue_named("signer").enqueue("app.jobs.head_signing.sign_head", ttl=int(EVERY), result_ttl=0, failure_ttl=3600)
    except (RedisError, OSError) as failure:
        log.warning("clock.signer_not_called", error=type(failure).__name__)


def keep_signed(path: Path, kept: int) -> int:
    """Append the signed heads that are newer than `kept`, and return how far the file has come.

    Into a file that has none only the newest goes. Raises OSError where the file cannot be written.
    """
    newest = db.session.scalar(_newest_signed) or 0
    after = kept if kept else newest - 1
    rows = db.session.execute(_signed_after, {"kept": after, "at_once": MOST_LINES}) if newest > kept else ()
    envelopes = [Envelope.from_document(row.envelope) for row in rows]
    db.session.rollback()
    if not envelopes:
        return kept
    lines = [signed_line(envelope) for envelope in envelopes]
    _append(path, lines)
    return _sequence_of(lines[-1])


def newest_signed_in(path: Path) -> int:
    """The sequence of the newest signed head in the file, 0 where there is none."""
    newest = 0
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                if b'"payloadType"' in line:
                    newest = max(newest, _sequence_of(line))
    return newest


def _append(path: Path, lines: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if file.tell() and not _ends_well(path):
            file.write(b"\n")
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _newest_in(path: Path) -> int:
    """The sequence of the newest unsigned head that is whole."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().split(b"\n")
    for line in reversed(lines):
        if b'"payloadType"' not in line and (sequence := _sequence_of(line)):
            return sequence
    return 0


def _sequence_of(line: bytes) -> int:
    """How far a line says that the chain had come; 0 where it is not a whole one."""
    with suppress(ValueError):
        heads, _torn = read_heads(line.rstrip(b"\n") + b"\n")
        if heads:
            return heads[0].sequence
    return 0


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
