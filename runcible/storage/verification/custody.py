"""The chains of custody: one for each certification, and beside each entry an event of the trail."""

from typing import Any

import psycopg

from runcible.errors import NotCanonical
from runcible.storage.audit_chain import custody_anchor, custody_link
from runcible.storage.verification.reading import streamed
from runcible.storage.verification.report import Report

_CUSTODY = """
    SELECT log.id, log.application_instance_id, log.certification_id, log.sequence, log.event_type, log.event_data,
           log.user_id, host(log.ip_address) || '/' || masklen(log.ip_address) AS ip_address, log.user_agent,
           log.previous_hash, log.hash, log.created_at, anchor.event_id, anchor.certification, anchor.custody
    FROM audit.certification_audit_log AS log
    FULL JOIN (
        SELECT event_id, entity_id AS certification, metadata #> '{facts,custody}' AS custody FROM audit.audit_events
        WHERE entity_type = 'Certification' AND metadata #> '{facts,custody}' IS NOT NULL
    ) AS anchor ON anchor.certification = log.certification_id::text
               AND anchor.custody ->> 'sequence' = log.sequence::text
    ORDER BY coalesce(log.certification_id::text, anchor.certification),
             coalesce(log.sequence, (anchor.custody ->> 'sequence')::numeric), log.id"""


def walk_custody(connection: psycopg.Connection[Any], report: Report) -> None:
    """Recompute each chain of custody, and compare its entries with the events beside them."""
    certification, sequence, previous, anchored = None, 0, None, False
    for row in streamed(connection, "custody", _CUSTODY):
        if row.id is None:
            said = f"entry {row.custody.get('sequence')} was taken out, cut off or renumbered; see event {row.event_id}"
            report.add("certification_audit_log", f"certification {row.certification}, {_id(row.custody)}", said)
            continue
        if row.certification_id != certification:
            certification, sequence, previous, anchored = row.certification_id, 0, None, False
        report.custody_entries += 1
        name = f"id {row.id}, certification {row.certification_id}, entry {row.sequence}"
        if row.sequence != sequence + 1:
            report.add("certification_audit_log", name, f"follows entry {sequence}: what was between is gone")
        elif not _holds(row, previous):
            report.add("certification_audit_log", name, _what_is_wrong(row, previous))
        if row.custody is None and anchored:
            report.add("certification_audit_log", name, "was put in, or renumbered: no event is of it")
        elif row.custody is not None:
            anchored = True
            for column, was in row.custody.items():
                if (now := custody_anchor(row).get(column)) != was:
                    report.add("certification_audit_log", name, f"{column} is {now}, and was {was}")
        sequence, previous = row.sequence, bytes(row.hash)


def _id(custody: dict[str, Any]) -> str:
    return f"id {custody.get('id')}"


def _holds(row: Any, previous: bytes | None) -> bool:
    stored = None if row.previous_hash is None else bytes(row.previous_hash)
    return stored == previous and bytes(row.hash) == _custody_hash(row, previous)


def _what_is_wrong(row: Any, previous: bytes | None) -> str:
    if bytes(row.hash) == _custody_hash(row, previous):
        return "previous_hash was changed"
    if row.previous_hash is not None and bytes(row.hash) == _custody_hash(row, bytes(row.previous_hash)):
        return "does not follow the entry before it: that one's hash was changed, or stands elsewhere"
    return "is not what was chained: a column of it was changed, or its hash"


def _custody_hash(row: Any, previous: bytes | None) -> bytes | None:
    entry = {
        "application_instance_id": str(row.application_instance_id),
        "certification_id": str(row.certification_id),
        "sequence": row.sequence,
        "event_type": row.event_type,
        "event_data": row.event_data,
        "user_id": row.user_id,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
    }
    try:
        return custody_link(previous, entry)
    except NotCanonical:
        return None
