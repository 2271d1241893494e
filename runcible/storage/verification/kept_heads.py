"""Heads that were kept outside of the database: which of them to believe, and what they tell of the chain."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from runcible.certification.trust_root import TrustRoot
from runcible.moments import format_moment, parse_moment
from runcible.storage.audit_heads import KeptHead, check_signatures
from runcible.storage.verification.reading import digest_of_links
from runcible.storage.verification.report import Report, Signatures

SIGNED_LATE = timedelta(hours=1)  # the signer comes to a head within seconds; somebody might sign a forged one later


def believed(report: Report, heads: Sequence[KeptHead], trust_root: TrustRoot | None) -> list[KeptHead]:
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
    trusted = [head for head in heads if head.line not in refused]
    first: dict[int, KeptHead] = {}
    for head in trusted:
        other = first.setdefault(head.sequence, head)
        if (other.document["hash"], other.document["time"]) != (head.document["hash"], head.document["time"]):
            report.add("heads", str(head), f"says otherwise than line {other.line}: one of the two was changed")
    return trusted


def _note_signed(found: Signatures, head: KeptHead) -> None:
    if found.newest is None or head.sequence >= found.newest.sequence:
        found.newest = head
    signed_at: datetime = head.signed_at  # type: ignore[assignment]  # check_signatures gives signed ones
    if signed_at - parse_moment(head.document["time"]) > SIGNED_LATE:
        found.late.append(head)


def compare_link(report: Report, row: Any, head: dict[str, Any], name: str) -> None:
    """Name the link of a head that is not as it was when the head was kept."""
    if bytes(row.hash).hex() != head["hash"]:
        report.add("audit_chain", name, f"hash is not the one of the head that was kept: {head['hash']}")
    if format_moment(row.linked_at) != head["time"]:
        report.add("audit_chain", name, f"created_at is {row.linked_at}, and was {head['time']}")


def compare_with_kept(
    connection: psycopg.Connection[Any], report: Report, heads: Sequence[KeptHead], length: int
) -> None:
    """Tell what the heads do not cover, what was cut off after them, and whose links are not as they were."""
    newest = max((head.sequence for head in heads), default=0)
    report.unanchored = max(0, length - newest) + report.unlinked
    signed = report.signatures.newest
    report.signatures.unsigned_events = max(0, length - (signed.sequence if signed else 0)) + report.unlinked
    if length < newest:
        report.add("audit_chain", f"sequence {length + 1} to {newest}", f"was cut off: a head was kept of {newest}")
    for number, head in enumerate(heads):
        since = head.document["since"]
        if head.sequence > length:
            continue
        if digest_of_links(connection, f"head_{number}", since, head.sequence) != head.document["links"]:
            said = "a column was changed, perhaps created_at: they are not as when their head was kept"
            report.add("audit_chain", f"sequence {since + 1} to {head.sequence}", said)
