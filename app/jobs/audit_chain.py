"""The sequencer: links all audit events, in the order in which they were committed, into one chain.

The bytes of a link stand in runcible/storage/audit_chain.py. What is committed is linked within a second or
so, also behind a transaction that began earlier and is still at work: its events follow when it has ended. Running in
one process at a time keeps the order without a lock in any request; were there ever two, the numbers of the links are
unique, and one of them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.core.database import db
from runcible.storage.audit_chain import FIELDS, GENESIS, link

AT_ONCE = 1000
WINDOW = 10_000  # ids before the newest link that a sequencer looks through when it starts

_last = text("SELECT sequence, hash, event_id, event_created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_id_of = text("SELECT id FROM audit.audit_events WHERE event_id = :event_id AND created_at = :created_at")
_last_id = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit.audit_events_id_seq")
_first_running = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_own_number = text("SELECT pg_current_xact_id()::text::bigint")
_unlinked = f"""
    SELECT {FIELDS} FROM audit.audit_events
    WHERE %s AND NOT EXISTS (SELECT FROM audit.audit_chain AS link WHERE link.event_id = audit_events.event_id)
    ORDER BY transaction_id, id LIMIT :at_once"""  # noqa: S608 constants of this file
_unlinked_after = text(_unlinked % "id > :settled")
_unlinked_since = text(_unlinked % "created_at > now() - make_interval(hours => :hours)")
_insert = text("""
    INSERT INTO audit.audit_chain (sequence, event_id, event_created_at, hash)
    VALUES (:sequence, :event_id, :event_created_at, :hash)""")


@dataclass(slots=True)
class Settled:
    """Up to which id there is nothing left to link: ids are given out before a commit, and seen late or never.

    Who takes an id has a transaction number already. So ids that were given out before somebody took a number are
    settled once all transactions with a smaller number have ended.
    """

    id: int | None = None
    _awaited: tuple[int, int] | None = None  # an id, and a number that was taken after it

    def move(self, last_id: int, first_running: int) -> None:
        """All that has ended before `first_running` is linked: settle what was awaited, and await what is new."""
        if self._awaited is not None and self._awaited[1] <= first_running:
            self.id, self._awaited = self._awaited[0], None
        if self._awaited is None and last_id != self.id:
            self._awaited = last_id, db.session.execute(_own_number).scalar_one()


def link_events(settled: Settled) -> int:
    """Link what was committed since the last time, and return how many events that were."""
    last = db.session.execute(_last).first()
    if settled.id is None:
        settled.id = _start_after(last)
    last_id = db.session.execute(_last_id).scalar_one()
    first_running = db.session.execute(_first_running).scalar_one()
    events = db.session.execute(_unlinked_after, {"settled": settled.id, "at_once": AT_ONCE}).all()
    _append(last, events)
    if len(events) < AT_ONCE:
        settled.move(last_id, first_running)
    db.session.commit()
    return len(events)


def link_latecomers(hours: int = 1) -> int:
    """Link what `link_events` could not see, as after a restart amid a very long transaction. Seldom anything."""
    last = db.session.execute(_last).first()
    events = db.session.execute(_unlinked_since, {"hours": hours, "at_once": AT_ONCE}).all()
    _append(last, events)
    db.session.commit()
    return len(events)


def _start_after(last: Any) -> int:
    """Where a sequencer that has just started begins to look: somewhat before the newest link."""
    if last is None:
        return 0
    newest = db.session.scalar(_id_of, {"event_id": last.event_id, "created_at": last.event_created_at})
    return max(0, (newest or 0) - WINDOW)


def _append(last: Any, events: Any) -> None:
    sequence, previous = (last.sequence, bytes(last.hash)) if last else (0, GENESIS)
    links = []
    for event in events:
        sequence, previous = sequence + 1, link(previous, event)
        links.append(
            {
                "sequence": sequence,
                "event_id": event.event_id,
                "event_created_at": event.created_at,
                "hash": previous,
            }
        )
    if links:
        db.session.execute(_insert, links)
