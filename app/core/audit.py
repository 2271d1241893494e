"""The audit trail: one row for each thing that happened, in the transaction in which it happened.

Rows are append-only; the database refuses everything else (migration 0001). What is personal in them is sealed under
the key of the record or person that it is about, so that it can be erased later while the row itself stays. Once that
key is erased, what happens is still written down, and the personal part of it is not kept at all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, groupby
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID

from app.core import clock, live, sealing, tenancy
from app.core.actor import Actor
from app.core.audit_state import changes
from app.core.database import Base, db
from app.core.ids import new_id
from app.core.transaction import has_recorded, required_unit
from runcible.canonical import canonical_json

audit_events = Table(
    "audit_events",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", UUID),
    Column("application_instance_id", UUID),
    Column("event_type", Text),
    Column("entity_type", Text),
    Column("entity_id", Text),
    Column("action", Text),
    Column("actor_user_id", BigInteger),
    Column("actor_ip_address", INET),
    Column("before_state", JSONB),
    Column("after_state", JSONB),
    Column("metadata", JSONB),
    Column("created_at", DateTime(timezone=True), primary_key=True, server_default=func.clock_timestamp()),
    schema="audit",
    info={"unrecorded": "it is the record"},
)

# All that is sensitive to read, though nothing changes by it. Of each page and each answer
# tests/structure/test_readings.py knows whether it shows such a thing, or why it does not.
READINGS = {
    "audit_trail.viewed": "the audit trail, a page of it or an event",
    "audit_export.downloaded": "the file of an export of the trail",
    "api_keys.viewed": "the API keys of the organisation: whose, what for, from where, last used",
    "people.viewed": "people with their addresses, a list of them or one",
    "certification.viewed": "the content that was certified",
    "certification.downloaded": "the bundle with that content",
    "certification.custody_viewed": "who had certified content in their hands, and when",
}
SAME_READING = timedelta(minutes=15)  # a person who reloads a page has not read it again

_ACTIONS = {"created": "create", "deleted": "delete", "certified": "certify", "viewed": "read", "downloaded": "read"}


def record(actor: Actor, event_type: str, subject: Any, *, facts: dict[str, Any] | None = None) -> None:
    """Write down that `actor` did `event_type` (as "task.moved") to `subject`, with its changed fields.

    `facts` are further facts of the event, ids and digests only. The row is written as the command ends, which raises
    AssertionError if the trail did not take it.
    """
    thing = Thing(type(subject).__name__, str(subject.id), subject_of(subject))
    _write(_Event(actor, event_type, thing, changes(subject), frozenset(getattr(subject, "sealed", ())), facts))


def have_keys_at_hand(actor: Actor, subject: Any) -> None:
    """Get the keys that events about `subject` are sealed with: before something is held for which others wait."""
    sealing.keys(actor.tenant_id, filter(None, (subject_of(subject), actor_subject(actor))))


@dataclass(frozen=True, slots=True)
class Thing:
    """What an event is about: the kind and id that the trail tells, and the name under which its key is kept."""

    entity_type: str
    entity_id: str
    key_subject: str


def note_reading(actor: Actor, event_type: str, subject: Any, *, facts: dict[str, Any] | None = None) -> bool:
    """Write down that somebody read `subject`, as "audit_trail.viewed": once for each person in a quarter of an hour.

    For what is sensitive though nothing of it changes; the door does not matter. Returns whether it was written down
    now. Reading by the system itself is part of what it was asked to do, and is not written down.
    """
    assert event_type in READINGS, f"{event_type} is not among the readings that are noted."
    has_recorded()
    if actor.user_id is None or _noted(actor, event_type, subject):
        return False
    # Of two requests in the same moment, as of a page and its fragments, the second waits for the first, and sees it.
    name = f"{actor.tenant_id}/{actor.user_id}/{event_type}/{subject.id}"
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    if _noted(actor, event_type, subject):
        return False
    thing = Thing(type(subject).__name__, str(subject.id), subject_of(subject))
    _write(_Event(actor, event_type, thing, facts=facts, action="read"))
    return True


def _noted(actor: Actor, event_type: str, subject: Any) -> bool:
    log = audit_events.c
    query = select(log.id).where(
        log.application_instance_id == actor.tenant_id,
        log.event_type == event_type,
        log.entity_id == str(subject.id),
        log.actor_user_id == actor.user_id,
        log.created_at > clock.now() - SAME_READING,
    )
    return db.session.scalar(query.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class _Event:
    """What happened, until its command ends: then all its events are sealed and written together."""

    actor: Actor
    event_type: str
    thing: Thing
    states: tuple[dict[str, Any] | None, dict[str, Any] | None] = (None, None)
    sealed: frozenset[str] = frozenset()
    facts: dict[str, Any] | None = None
    action: str | None = None

    @property
    def key_subjects(self) -> list[str]:
        """The names of the keys that seal it."""
        owner = actor_subject(self.actor)
        return [self.thing.key_subject, *([owner] if owner else [])]

    def row(self, keys: dict[str, sealing.RecordKey]) -> dict[str, Any]:
        """Its row in the trail, with what is personal sealed."""
        before, after = (_seal_fields(keys[self.thing.key_subject], state, self.sealed) for state in self.states)
        return {
            "event_id": new_id(),
            "application_instance_id": self.actor.tenant_id,
            "event_type": self.event_type,
            "entity_type": self.thing.entity_type,
            "entity_id": self.thing.entity_id,
            "action": self.action or _ACTIONS.get(self.event_type.rpartition(".")[2], "update"),
            "actor_user_id": self.actor.user_id,
            "actor_ip_address": network_of(self.actor.origin.ip_address),
            "before_state": before,
            "after_state": after,
            "metadata": _how(self.actor, keys.get(actor_subject(self.actor) or ""), self.facts),
        }


_INSERT = insert(audit_events).inline().execution_options(preserve_rowcount=True)


def _write(event: _Event) -> None:
    has_recorded()
    unit = required_unit()
    if not unit.events:
        unit.last_acts.insert(0, lambda: _write_all(unit.events))  # while all keys are still there
    unit.events.append(event)


def _write_all(events: list[_Event]) -> None:
    for tenant_id, group in groupby(events, key=lambda event: event.actor.tenant_id):
        happened = list(group)
        with tenancy.entered(db.session, tenant_id):
            keys = sealing.keys(tenant_id, chain.from_iterable(event.key_subjects for event in happened))
            rows = [event.row(keys) for event in happened]
            # One as one, as nearly all are: of a list with one row the driver makes an exchange of its own.
            result = db.session.execute(_INSERT, rows if len(rows) > 1 else rows[0])
        assert result.rowcount == len(happened), "The audit trail did not take every event."  # type: ignore[attr-defined]
        for user_id in dict.fromkeys(event.actor.user_id for event in happened):
            required_unit().announcements.append(live.trail_announcement(tenant_id, user_id))


def record_for_nobody(event_type: str, entity_type: str, entity_id: str, facts: dict[str, Any]) -> None:
    """Write down what belongs to no organisation: ids and digests only, as there is no key to seal anything with."""
    has_recorded()
    row = {
        "event_id": new_id(),
        "application_instance_id": tenancy.NOBODY,
        "event_type": event_type,
        "entity_type": entity_type,
        "entity_id": entity_id,
        "action": "create",
        "metadata": {"facts": facts},
    }
    with tenancy.entered(db.session, tenancy.NOBODY):
        result = db.session.execute(_INSERT, row)
    assert result.rowcount == 1, "The audit trail did not take the event."  # type: ignore[attr-defined]


def subject_of(row: Any) -> str:
    """The name under which the key of a row is kept: "task:0199..."."""
    return f"{row.kind}:{row.id}"


def actor_subject(actor: Actor) -> str | None:
    """The name under which the key of the acting person is kept, or None for the system."""
    return f"user:{actor.user_id}" if actor.user_id is not None else None


def network_of(ip_address: str | None) -> str | None:
    """The network of an address (/24, or /48 of IPv6): enough to see a pattern, too little to name a person."""
    if ip_address is None:
        return None
    address = ipaddress.ip_address(ip_address)
    address = getattr(address, "ipv4_mapped", None) or address  # as a socket for both families writes it
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _how(actor: Actor, key: sealing.RecordKey | None, facts: dict[str, Any] | None) -> dict[str, Any]:
    """How it came: request, way of signing in, and the address, sealed under the key of the person."""
    told: dict[str, Any] = {"request_id": actor.origin.request_id, "via": actor.authenticated_by}
    if actor.credential_id is not None:
        told["credential_id"] = str(actor.credential_id)
    if facts:
        told["facts"] = facts
    if key is not None and actor.origin.ip_address:
        origin = {"ip_address": actor.origin.ip_address, "user_agent": actor.origin.user_agent}
        told["origin"] = {"sealed": key.seal_or_drop("audit_events.origin", canonical_json(origin).decode())}
    return told


def _seal_fields(
    key: sealing.RecordKey, fields: dict[str, Any] | None, sealed: frozenset[str]
) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {
        name: {"sealed": key.seal_or_drop(f"audit_events.{name}", str(value))}
        if name in sealed and value is not None
        else value
        for name, value in fields.items()
    }


def unsealed(key: sealing.RecordKey | None, fields: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of a before or after state as they were; what was erased reads as None."""
    return {
        name: (key.open(f"audit_events.{name}", value["sealed"]) if key is not None else None)
        if isinstance(value, dict) and "sealed" in value
        else value
        for name, value in (fields or {}).items()
    }
