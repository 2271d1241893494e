"""The chain of all events: each link is recomputed from its event and the link before it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

from runcible.errors import NotCanonical
from runcible.storage.audit_chain import FIELDS, GENESIS, links
from runcible.storage.audit_heads import KeptHead
from runcible.storage.verification.kept_heads import compare_link
from runcible.storage.verification.reading import streamed
from runcible.storage.verification.report import Finding, Report
from runcible.storage.verification.signed_heads import SignedHeads

_CHAIN = f"""
    SELECT link.sequence, link.hash, link.event_id AS linked_event_id, link.event_created_at,
           link.created_at AS linked_at, event.*
    FROM audit.audit_chain AS link
    LEFT JOIN (SELECT {FIELDS} FROM audit.audit_events) AS event ON event.event_id = link.event_id
    ORDER BY link.sequence"""  # noqa: S608


def walk_the_chain(
    connection: psycopg.Connection[Any], report: Report, kept: Sequence[KeptHead], signed: SignedHeads
) -> int:
    """Recompute each link, and compare it with heads of it, kept or signed. Returns the sequence of the last."""
    anchors: dict[int, list[KeptHead]] = defaultdict(list)
    for head in kept:
        anchors[head.sequence].append(head)
    expected, previous, suspect = 1, GENESIS, None
    newest_linked = newest_event = None
    for row in streamed(connection, "chain", _CHAIN):
        name = f"sequence {row.sequence}, event {row.linked_event_id}"
        if row.sequence != expected:
            missing = f"{expected}" if row.sequence == expected + 1 else f"{expected} to {row.sequence - 1}"
            report.add("audit_chain", f"sequence {missing}", "was taken out, or stands elsewhere")
            expected, suspect, previous = row.sequence, None, b"?"
        if row.id is not None:
            report.events += 1
            suspect = _check_link(report, row, previous, suspect, name)
            if newest_event is not None and (newest_event - row.created_at).total_seconds() > 600:
                said = "was linked long after it says that it happened: it was put in and back-dated"
                report.add("audit_events", f"id {row.id}, event {row.event_id}", said)
            newest_event = max(newest_event or row.created_at, row.created_at)
        else:
            suspect = None
        if (newest_linked is not None and row.linked_at < newest_linked) or row.linked_at < row.event_created_at:
            report.add("audit_chain", name, f"created_at is {row.linked_at}, before that of a link before it")
        newest_linked = max(newest_linked or row.linked_at, row.linked_at)
        for head in anchors.get(row.sequence, ()):
            compare_link(report, row, head.document, name)
        signed.pass_link(row)
        expected, previous = row.sequence + 1, bytes(row.hash)
    return expected - 1


def _check_link(
    report: Report, row: Any, previous: bytes, suspect: tuple[Any, tuple[bytes, ...]] | None, name: str
) -> tuple[Any, tuple[bytes, ...]] | None:
    """Recompute a link. Where it fails, the next one tells whether the event was changed or the hash itself."""
    wanted = _recomputed(previous, row)
    if bytes(row.hash) in wanted:
        return None
    if previous == b"?":  # what stood before it is gone, and with it what its hash rests on
        return None
    if suspect is not None and any(bytes(row.hash) in _recomputed(each, row) for each in suspect[1]):
        before, _hashes = suspect
        event = Finding("audit_events", _event_name(before), _CHANGED)
        if event in report.findings:
            report.findings.remove(event)
        report.add("audit_chain", f"sequence {before.sequence}, event {before.linked_event_id}", "hash was changed")
        return None
    report.add("audit_events", _event_name(row), _CHANGED)
    return row, wanted


_CHANGED = "is not what was linked: a column of it was changed, or it stands in another place of the chain"


def _event_name(row: Any) -> str:
    return f"id {row.id}, event {row.event_id}, sequence {row.sequence}"


def _recomputed(previous: bytes, row: Any) -> tuple[bytes, ...]:
    try:
        return links(previous, row)
    except NotCanonical:
        return ()
