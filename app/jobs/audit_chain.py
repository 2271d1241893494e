"""The sequencer: links all audit events, in the order in which they were committed, into one chain.

``hash = SHA-256(0x01 || previous hash || canonical JSON of the event)``. Only events of finished transactions are
linked: nothing can commit in front of them any more. Running it in one process keeps the order without a lock in any
request.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import text

from app.core.database import db
from runcible.canonical import canonical_json

VERSION = b"\x01"
GENESIS = b""
AT_ONCE = 1000

# Identifiers are given out before a commit and may be seen late, so a window behind the newest link is looked through.
WINDOW = 10_000

_last = text("SELECT sequence, hash, event_id, event_created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_unlinked = text("""
    SELECT id, event_id, application_instance_id, event_type, entity_type, entity_id, action, actor_user_id,
           host(actor_ip_address) || '/' || masklen(actor_ip_address) AS actor_network,
           before_state, after_state, metadata, created_at
    FROM audit.audit_events AS event
    WHERE (transaction_id < pg_snapshot_xmin(pg_current_snapshot())
           OR transaction_id > pg_snapshot_xmax(pg_current_snapshot()))
      AND id > (SELECT coalesce(max(id), 0) FROM audit.audit_events
                WHERE event_id = :last_event AND created_at = :last_created_at) - :window
      AND NOT EXISTS (SELECT FROM audit.audit_chain AS link WHERE link.event_id = event.event_id)
    ORDER BY transaction_id, id LIMIT :at_once""")
_append = text("""
    INSERT INTO audit.audit_chain (sequence, event_id, event_created_at, hash)
    VALUES (:sequence, :event_id, :event_created_at, :hash)""")


def link_events(window: int = WINDOW) -> int:
    """Link what was committed since the last time, and return how many events that were."""
    last = db.session.execute(_last).first()
    sequence, previous = (last.sequence, bytes(last.hash)) if last else (0, GENESIS)
    events = db.session.execute(
        _unlinked,
        {
            "last_event": last.event_id if last else None,
            "last_created_at": last.event_created_at if last else None,
            "window": window,
            "at_once": AT_ONCE,
        },
    ).all()
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
        db.session.execute(_append, links)
    db.session.commit()
    return len(links)


def link(previous: bytes, event: Any) -> bytes:
    """The hash of an event that follows `previous`."""
    told = {
        "id": event.id,
        "event_id": str(event.event_id),
        "application_instance_id": str(event.application_instance_id),
        "event_type": event.event_type,
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "action": event.action,
        "actor_user_id": event.actor_user_id,
        "actor_network": event.actor_network,
        "before_state": event.before_state,
        "after_state": event.after_state,
        "metadata": event.metadata,
        "created_at": event.created_at.isoformat(),
    }
    return hashlib.sha256(VERSION + previous + canonical_json(told)).digest()
