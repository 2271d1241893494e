"""Heads of the audit chain, outside of the database: who could rewrite the whole chain there cannot rewrite these.

A line says where the chain had come to, at most once a minute: docs/formats/audit-chain.md. Ship the file elsewhere as
it grows; `python -m runcible audit verify --head FILE` compares.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text

from app.core.database import db
from runcible.storage.audit_chain import head_line, read_heads

EVERY = 60.0  # seconds between two lines
MOST_LINKS = 100_000  # that one line covers: of a longer chain the first line tells less, and is written at once
TAIL = 64 * 1024

_last = text("SELECT sequence, hash, created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_links = text("""
    SELECT sequence, event_id, event_created_at, hash, created_at FROM audit.audit_chain
    WHERE sequence > :since AND sequence <= :until ORDER BY sequence""")


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
    rows = db.session.execute(_links, {"since": since, "until": last.sequence})
    line = head_line(last, since, rows)
    db.session.rollback()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if file.tell() and not _ends_well(path):
            file.write(b"\n")
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return int(last.sequence)


def _newest_in(path: Path) -> int:
    """The sequence of the newest line that is whole."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().split(b"\n")
    for line in reversed(lines):
        with suppress(ValueError):
            heads, _torn = read_heads(line + b"\n")
            if heads:
                return int(heads[0]["sequence"])
    return 0


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
