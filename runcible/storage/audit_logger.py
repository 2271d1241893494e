"""Verify the audit trail in PostgreSQL: recompute every link, and name each row that was tampered with.

It reads in one transaction, as of one moment, and needs no more than the role of the auditor. What was changed, taken
out, put in, put elsewhere or cut off is a `Finding`; with the heads that were kept outside of the database also what a
whole rewritten chain would hide.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from runcible.certification.trust_root import TrustRoot
from runcible.errors import NotCanonical
from runcible.moments import format_moment, parse_moment
from runcible.storage.audit_chain import (
    FIELDS,
    GENESIS,
    account_digest,
    custody_anchor,
    custody_link,
    links,
    links_digest,
)
from runcible.storage.audit_heads import KeptHead, check_signatures

MOST_FINDINGS = 1000
NOBODY = UUID(int=0)  # whose events belong to no organisation
AT_ONCE = 2000  # rows that are fetched at once
SIGNED_LATE = timedelta(hours=1)  # the signer comes to a head within seconds; somebody might sign a forged one later
LATE = "interval '10 minutes'"  # no transaction of ours lasts as long: an event that is older than that was put in


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not as it was written. `row` names it, `what` says what differs."""

    table: str
    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.table}, {self.row}: {self.what}"


@dataclass(slots=True)
class Signatures:
    """What the signatures of heads say. Only with a trust root are they checked; then `newest` is the last good one."""

    signed: int = 0
    checked: bool = False
    newest: KeptHead | None = None
    unsigned_events: int = 0  # newer than the newest head with a good signature
    doubtful: int = 0  # by a key that was compromised since
    late: list[KeptHead] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a verification has found. `unanchored` counts events that no head outside of the database covers yet."""

    events: int = 0
    custody_entries: int = 0
    account_events: int = 0
    uncovered_account_events: int = 0  # of before the trail held their digests
    unlinked: int = 0
    unanchored: int | None = None
    signatures: Signatures = field(default_factory=Signatures)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, table: str, row: str, what: str) -> None:
        """Note a finding, up to a number that a person would still read, and each once."""
        finding = Finding(table, row, what)
        if len(self.findings) < MOST_FINDINGS and finding not in self.findings:
            self.findings.append(finding)


def verify(url: str, heads: Sequence[KeptHead] | None = None, trust_root: TrustRoot | None = None) -> Report:
    """Walk the whole trail of the database at `url`, and compare it with `heads`.

    With a `trust_root` their signatures are checked too, and a head whose signature is wrong is refused: nothing is
    compared with it. Raises psycopg.Error where the database cannot be read.
    """
    report = Report()
    if heads is not None:
        heads = _believed(report, heads, trust_root)
    with psycopg.connect(url, row_factory=namedtuple_row) as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET LOCAL statement_timeout = 0")
        _compare_tables(connection, report)
        _walk_the_chain(connection, report, heads)
        _walk_custody(connection, report)
        _walk_accounts(connection, report)
    return report


# --- events, their keys and their links: each event is in all three ---

_THREE = f"""
    SELECT coalesce(e.event_id, k.event_id, l.event_id) AS event_id, e.id, l.sequence,
           e.created_at AS of_event, k.created_at AS of_key, l.event_created_at AS of_link,
           (SELECT s.id FROM audit.audit_events AS s WHERE e.event_id IS NULL
              AND s.created_at IN (k.created_at, l.event_created_at)
              AND NOT EXISTS (SELECT FROM audit.audit_chain AS t WHERE t.event_id = s.event_id) LIMIT 1) AS stray_event,
           (SELECT t.sequence FROM audit.audit_chain AS t WHERE l.event_id IS NULL AND t.event_created_at = e.created_at
              AND NOT EXISTS (SELECT FROM audit.audit_events AS s WHERE s.event_id = t.event_id) LIMIT 1) AS stray_link,
           (SELECT t.event_id FROM audit.audit_event_keys AS t WHERE k.event_id IS NULL AND t.created_at = e.created_at
              AND NOT EXISTS (SELECT FROM audit.audit_events AS s WHERE s.event_id = t.event_id) LIMIT 1) AS stray_key,
           e.created_at < (SELECT max(event_created_at) FROM audit.audit_chain) - {LATE} AS is_old
    FROM audit.audit_events AS e
    FULL JOIN audit.audit_event_keys AS k ON k.event_id = e.event_id
    FULL JOIN audit.audit_chain AS l ON l.event_id = coalesce(e.event_id, k.event_id)
    WHERE e.created_at IS DISTINCT FROM k.created_at OR e.created_at IS DISTINCT FROM l.event_created_at"""  # noqa: S608


def _compare_tables(connection: psycopg.Connection[Any], report: Report) -> None:
    for row in _streamed(connection, "three", _THREE):
        if row.of_event is None:
            _name_what_has_no_event(report, row)
        elif row.of_key is None:
            _name_what_has_no_key(report, row)
        elif row.of_link is None:
            _name_what_has_no_link(report, row)
        else:
            _name_the_odd_moment(report, row)
    twice = "SELECT event_id, array_agg(id) AS ids FROM audit.audit_events GROUP BY 1 HAVING count(*) > 1"
    for row in _streamed(connection, "twice", twice):
        report.add("audit_events", f"ids {', '.join(map(str, row.ids))}, event {row.event_id}", "is there twice")


def _name_what_has_no_event(report: Report, row: Any) -> None:
    if row.stray_event is not None:
        report.add("audit_events", f"id {row.stray_event}", f"event_id was changed; it was {row.event_id}")
    elif row.of_key is not None and row.of_link is not None:
        report.add("audit_events", f"event {row.event_id}", f"was taken out; its link is sequence {row.sequence}")
    elif row.of_key is not None:
        report.add("audit_event_keys", f"event {row.event_id}", "was put in or changed: there is no such event")
    else:
        name = f"sequence {row.sequence}, event {row.event_id}"
        report.add("audit_chain", name, "was put in or changed: there is no such event")


def _name_what_has_no_key(report: Report, row: Any) -> None:
    other = "" if row.stray_key is None else f"; that of event {row.stray_key} may be its own, changed"
    said = f"the key of the event with id {row.id} is missing{other}"
    report.add("audit_event_keys", f"event {row.event_id}", said)
    if row.of_link is None:
        said = "was put in or given another event_id: it has neither key nor link"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)


def _name_what_has_no_link(report: Report, row: Any) -> None:
    if row.stray_link is not None:
        report.add("audit_chain", f"sequence {row.stray_link}", f"event_id was changed; it was {row.event_id}")
    elif row.is_old:
        said = "has no link in the chain: it was put in, or its link taken out"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)
    else:
        report.unlinked += 1  # newer than the newest link: the clock comes to it within a second or so


def _name_the_odd_moment(report: Report, row: Any) -> None:
    """Two of three agree on the moment; the third was changed."""
    if row.of_key == row.of_link:
        said = f"created_at is {row.of_event}, and was {row.of_key}"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)
    elif row.of_event == row.of_key:
        said = f"event_created_at is {row.of_link}, and was {row.of_event}"
        report.add("audit_chain", f"sequence {row.sequence}, event {row.event_id}", said)
    else:
        said = f"created_at is {row.of_key}, and was {row.of_event}"
        report.add("audit_event_keys", f"event {row.event_id}", said)


# --- the chain of all events ---

_CHAIN = f"""
    SELECT link.sequence, link.hash, link.event_id AS linked_event_id, link.event_created_at,
           link.created_at AS linked_at, event.*
    FROM audit.audit_chain AS link
    LEFT JOIN (SELECT {FIELDS} FROM audit.audit_events) AS event ON event.event_id = link.event_id
    ORDER BY link.sequence"""  # noqa: S608


def _walk_the_chain(connection: psycopg.Connection[Any], report: Report, heads: Sequence[KeptHead] | None) -> None:
    anchors: dict[int, list[KeptHead]] = defaultdict(list)
    for head in heads or ():
        anchors[head.sequence].append(head)
    expected, previous, suspect = 1, GENESIS, None
    newest_linked = newest_event = None
    for row in _streamed(connection, "chain", _CHAIN):
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
            _check_head(report, row, head.document, name)
        expected, previous = row.sequence + 1, bytes(row.hash)
    if heads is not None:
        _compare_with_heads(connection, report, heads, expected - 1)


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


def _check_head(report: Report, row: Any, head: dict[str, Any], name: str) -> None:
    if bytes(row.hash).hex() != head["hash"]:
        report.add("audit_chain", name, f"hash is not the one of the head that was kept: {head['hash']}")
    if format_moment(row.linked_at) != head["time"]:
        report.add("audit_chain", name, f"created_at is {row.linked_at}, and was {head['time']}")


def _compare_with_heads(
    connection: psycopg.Connection[Any], report: Report, heads: Sequence[KeptHead], length: int
) -> None:
    newest = max((head.sequence for head in heads), default=0)
    report.unanchored = max(0, length - newest) + report.unlinked
    signed = report.signatures.newest
    report.signatures.unsigned_events = max(0, length - (signed.sequence if signed else 0)) + report.unlinked
    if length < newest:
        report.add("audit_chain", f"sequence {length + 1} to {newest}", f"was cut off: a head was kept of {newest}")
    stored = (
        "SELECT sequence, event_id, event_created_at, hash, created_at FROM audit.audit_chain"
        " WHERE sequence > %s AND sequence <= %s ORDER BY sequence"
    )
    for number, head in enumerate(heads):
        since = head.document["since"]
        if head.sequence <= length:
            rows = _streamed(connection, f"head_{number}", stored, [since, head.sequence])
            if links_digest(rows) != head.document["links"]:
                said = "a column was changed, perhaps created_at: they are not as when their head was kept"
                report.add("audit_chain", f"sequence {since + 1} to {head.sequence}", said)


# --- the heads themselves ---


def _believed(report: Report, heads: Sequence[KeptHead], trust_root: TrustRoot | None) -> list[KeptHead]:
    """The heads whose signature is not wrong. What is wrong is named, and which two contradict each other."""
    found = report.signatures
    found.signed = sum(head.envelope is not None for head in heads)
    refused = set()
    if trust_root is not None:
        found.checked = True
        for head, proves, wrong in check_signatures(heads, trust_root):
            if wrong is not None:
                report.add("heads", str(head), f"is not as it was signed, or by another: {wrong}")
                refused.add(head.line)
            elif proves:
                _note_signed(found, head)
            else:
                found.doubtful += 1
    believed = [head for head in heads if head.line not in refused]
    first: dict[int, KeptHead] = {}
    for head in believed:
        other = first.setdefault(head.sequence, head)
        if (other.document["hash"], other.document["time"]) != (head.document["hash"], head.document["time"]):
            report.add("heads", str(head), f"says otherwise than line {other.line}: one of the two was changed")
    return believed


def _note_signed(found: Signatures, head: KeptHead) -> None:
    if found.newest is None or head.sequence >= found.newest.sequence:
        found.newest = head
    signed_at: datetime = head.signed_at  # type: ignore[assignment]  # check_signatures gives signed ones
    if signed_at - parse_moment(head.document["time"]) > SIGNED_LATE:
        found.late.append(head)


# --- the chains of custody ---

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


def _walk_custody(connection: psycopg.Connection[Any], report: Report) -> None:
    certification, sequence, previous, anchored = None, 0, None, False
    for row in _streamed(connection, "custody", _CUSTODY):
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


# --- events of accounts, in no organisation ---

_ACCOUNTS = """
    SELECT kept.id, kept.user_id, kept.event_type, kept.user_agent, kept.facts, kept.salt, kept.created_at,
           host(kept.ip_network) || '/' || masklen(kept.ip_network) AS ip_network,
           anchor.event_id, anchor.entity_id, anchor.digest,
           kept.id < (SELECT min(entity_id::bigint) FROM audit.audit_events
                      WHERE application_instance_id = %(nobody)s AND entity_type = 'IdentityEvent') AS is_older
    FROM public.identity_events AS kept
    FULL JOIN (
        SELECT event_id, entity_id, metadata #>> '{facts,account}' AS digest FROM audit.audit_events
        WHERE application_instance_id = %(nobody)s AND entity_type = 'IdentityEvent'
    ) AS anchor ON anchor.entity_id = kept.id::text
    ORDER BY kept.id"""


def _walk_accounts(connection: psycopg.Connection[Any], report: Report) -> None:
    """Each event of an account is as the trail holds it. The trail itself has been verified by now."""
    for row in _streamed(connection, "accounts", _ACCOUNTS, {"nobody": NOBODY}):
        if row.id is None:
            said = f"was taken out, or given another id; see event {row.event_id}"
            report.add("identity_events", f"id {row.entity_id}", said)
            continue
        report.account_events += 1
        name = f"id {row.id}, of user {row.user_id}"
        if row.event_id is None and row.is_older is not False:
            report.uncovered_account_events += 1
        elif row.event_id is None:
            report.add("identity_events", name, "was put in, or given another id: no event of the trail is of it")
        elif _account_digest(row) != row.digest:
            said = f"is not what was written: a column of it was changed; see event {row.event_id}"
            report.add("identity_events", name, said)


def _account_digest(row: Any) -> str | None:
    try:
        return account_digest(bytes(row.salt or b""), row)
    except NotCanonical:
        return None


def _streamed(connection: psycopg.Connection[Any], name: str, query: str, values: Any = None) -> Iterator[Any]:
    """The rows of a query, fetched some at a time, so that memory does not grow with the trail."""
    with connection.cursor(name=name) as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(query.encode(), values)
        yield from cursor
