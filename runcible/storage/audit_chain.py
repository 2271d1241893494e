"""The bytes of the chains of the audit trail: one code for who writes them and for who verifies them.

docs/formats/audit-chain.md says the same in words. Each hash is SHA-256 over a version byte, the hash before it and the
canonical JSON (RFC 8785) of what is linked.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from runcible.canonical import canonical_json
from runcible.moments import format_moment

VERSION = b"\x02"
FIRST_VERSION = b"\x01"  # without the number of the transaction; what was linked then stays as it is
GENESIS = b""
CUSTODY_VERSION = b"\x01"
ACCOUNT_VERSION = b"\x01"

# What the chain holds of an event: whoever verifies it recomputes the hash from these.
FIELDS = """
    id, event_id, application_instance_id, event_type, entity_type, entity_id, action, actor_user_id,
    host(actor_ip_address) || '/' || masklen(actor_ip_address) AS actor_network,
    before_state, after_state, metadata, created_at, transaction_id::text AS transaction_number"""


def link(previous: bytes, event: Any) -> bytes:
    """The hash of an event, a row of FIELDS, that follows `previous`."""
    return _hash(VERSION, previous, _told(event) | {"transaction_id": event.transaction_number})


def links(previous: bytes, event: Any) -> tuple[bytes, bytes]:
    """The hashes that an event may carry: of this version, and of the first one."""
    return link(previous, event), _hash(FIRST_VERSION, previous, _told(event))


def custody_link(previous: bytes | None, entry: dict[str, Any]) -> bytes:
    """The hash of an entry in the chain of custody of a certification."""
    return _hash(CUSTODY_VERSION, previous or b"", entry)


def links_digest(rows: Any) -> str:
    """SHA-256 over the canonical JSON of links as they are stored, one a line."""
    digest = hashlib.sha256()
    for row in rows:
        stored = [
            row.sequence,
            str(row.event_id),
            format_moment(row.event_created_at),
            bytes(row.hash).hex(),
            format_moment(row.created_at),
        ]
        digest.update(canonical_json(stored) + b"\n")
    return digest.hexdigest()


def custody_anchor(row: Any) -> dict[str, Any]:
    """What the event beside an entry of the chain of custody says of it, so that the chain of events covers it."""
    return {
        "sequence": row.sequence,
        "hash": bytes(row.hash).hex(),
        "id": row.id,
        "created_at": _moment(row.created_at),
    }


def account_digest(salt: bytes, event: Any) -> str:
    """What the trail holds of an event of somebody's account. It tells nothing once the row, and its salt, are gone.

    `event` has the columns of `identity_events`, its network as text, as "203.0.113.0/24".
    """
    told = {
        "id": event.id,
        "user_id": event.user_id,
        "event_type": event.event_type,
        "ip_network": event.ip_network,
        "user_agent": event.user_agent,
        "facts": event.facts,
        "created_at": _moment(event.created_at),
    }
    return _hash(ACCOUNT_VERSION, salt, told).hex()


def _told(event: Any) -> dict[str, Any]:
    return {
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
        "created_at": _moment(event.created_at),
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _hash(version: bytes, previous: bytes, value: dict[str, Any]) -> bytes:
    return hashlib.sha256(version + previous + canonical_json(value)).digest()
