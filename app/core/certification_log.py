"""The chain of custody of a certification: every entry carries the hash of the one before it.

``hash = SHA-256(0x01 || previous hash || canonical JSON of the entry)``; the first entry has no previous hash. The row
of the certification must be held while an entry is written, so that the chain has one end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, LargeBinary, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID

from app.core import sealing
from app.core.actor import Actor
from app.core.audit import actor_subject, network_of
from app.core.database import Base, db
from app.core.transaction import required_unit
from runcible.storage.audit_chain import CUSTODY_VERSION, custody_anchor, custody_link

VERSION = CUSTODY_VERSION

certification_audit_log = Table(
    "certification_audit_log",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("application_instance_id", UUID),
    Column("certification_id", UUID),
    Column("sequence", Integer),
    Column("event_type", Text),
    Column("event_data", JSONB),
    Column("user_id", BigInteger),
    Column("ip_address", INET),
    Column("user_agent", Text),
    Column("previous_hash", LargeBinary),
    Column("hash", LargeBinary),
    Column("created_at", DateTime(timezone=True), primary_key=True, server_default=func.clock_timestamp()),
    schema="audit",
    info={"unrecorded": "it is the record"},
)


def log_event(actor: Actor, certification: Any, event: str, data: dict[str, Any]) -> dict[str, Any]:
    """Add one entry to the chain of `certification`, whose row the transaction must hold.

    Returns what the event in the audit trail has to say of it, so that the chain of all events covers this one too.
    """
    required_unit()
    last = db.session.execute(
        select(certification_audit_log.c.sequence, certification_audit_log.c.hash)
        .where(certification_audit_log.c.application_instance_id == actor.tenant_id)
        .where(certification_audit_log.c.certification_id == certification.id)
        .order_by(certification_audit_log.c.sequence.desc())
        .limit(1)
    ).first()
    entry = {
        "application_instance_id": str(actor.tenant_id),
        "certification_id": str(certification.id),
        "sequence": last.sequence + 1 if last else 1,
        "event_type": event,
        "event_data": data,
        "user_id": actor.user_id,
        "ip_address": network_of(actor.origin.ip_address),
        "user_agent": _sealed_agent(actor),
    }
    previous = bytes(last.hash) if last else None
    log = certification_audit_log.c
    written = db.session.execute(
        insert(certification_audit_log)
        .values(**entry, previous_hash=previous, hash=link(previous, entry))
        .returning(log.id, log.sequence, log.hash, log.created_at)
    ).first()
    assert written is not None, "The chain of custody did not take the entry."
    return custody_anchor(written)


def logged_since(actor: Actor, certification: Any, event: str, since: datetime) -> bool:
    """Whether this person has done the same to the certification after `since`."""
    log = certification_audit_log.c
    query = select(log.id).where(
        log.application_instance_id == actor.tenant_id,
        log.certification_id == certification.id,
        log.event_type == event,
        log.user_id == actor.user_id,
        log.created_at > since,
    )
    return db.session.scalar(query.limit(1)) is not None


def link(previous: bytes | None, entry: dict[str, Any]) -> bytes:
    """The hash of an entry that follows `previous`."""
    return custody_link(previous, entry)


def _sealed_agent(actor: Actor) -> str | None:
    """The browser of the person, sealed under the person's key; None once that key was erased."""
    owner = actor_subject(actor)
    if owner is None or not actor.origin.user_agent:
        return None
    key = sealing.key(actor.tenant_id, owner)
    return key.seal_or_drop("certification_audit_log.user_agent", actor.origin.user_agent)
