"""Heads of the audit chain, as they are kept outside of the database: their lines, and whether somebody signed them.

A line is a head as the clock writes it, or a DSSE envelope of the signer around one. The format stands in
docs/formats/audit-chain.md.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runcible.canonical import canonical_json
from runcible.certification.dsse import Envelope
from runcible.certification.head_statement import HEAD, HeadStatement
from runcible.certification.trust_root import TrustRoot
from runcible.errors import KeyNotValid, RuncibleError, SignatureInvalid, VerificationError
from runcible.moments import format_moment
from runcible.shapes import shaped
from runcible.storage.audit_chain import links_digest

MOST_LINKS = 100_000  # that one head covers: of a longer chain the first one tells less, and is made at once


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head that was kept. One without an envelope is unsigned: whoever could write the file could have changed it."""

    line: int
    document: dict[str, Any]
    envelope: Envelope | None = None
    signed_at: datetime | None = None

    @property
    def sequence(self) -> int:
        """How far the chain had come."""
        return int(self.document["sequence"])

    def __str__(self) -> str:
        return f"line {self.line}, sequence {self.sequence}"


def head_of(last: Any, before: int, rows: Any) -> dict[str, Any]:
    """Where the chain has come to with `last`, a row of `audit.audit_chain`.

    `rows` are the links after `before`, the sequence of the head before this one, up to `last` itself. Their digest
    covers the moments at which they were made, which no later link does.
    """
    return {
        "v": 1,
        "sequence": last.sequence,
        "hash": bytes(last.hash).hex(),
        "time": format_moment(last.created_at),
        "count": last.sequence,
        "since": before,
        "links": links_digest(rows),
    }


def head_line(head: dict[str, Any]) -> bytes:
    """One line for the file of heads, unsigned."""
    return canonical_json(head) + b"\n"


def signed_line(envelope: Envelope) -> bytes:
    """One line for the file of heads, signed."""
    return envelope.bytes + b"\n"


def read_heads(data: bytes) -> tuple[list[KeptHead], bool]:
    """The heads in a file, and whether a line was cut off, as by a loss of power while it was written.

    A line that was cut off does not end, or is followed at once by a whole one. Raises ValueError naming the first line
    that is none otherwise. Nothing is believed yet: see `check_signature`.
    """
    lines = data.split(b"\n")
    torn = lines.pop() != b""
    heads = []
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"}"):
            torn = True
            continue
        try:
            heads.append(_read(number, line))
        except (ValueError, TypeError, RecursionError, RuncibleError) as wrong:
            raise ValueError(f"line {number} is not a head of the audit chain") from wrong
    return heads, torn


def _read(number: int, line: bytes) -> KeptHead:
    document = json.loads(line)
    if canonical_json(document) != line:
        raise ValueError("not canonical")
    if "payloadType" in document:
        envelope = Envelope.from_document(document)
        statement = HeadStatement.read(envelope.payload)
        return KeptHead(number, statement.head, envelope, statement.signed_at)
    if shaped(document, "a head", HEAD)["v"] != 1:
        raise ValueError("of another version")
    return KeptHead(number, document)


def check_signature(envelope: Envelope, signed_at: datetime, trust_root: TrustRoot) -> bool:
    """Check that each signature of a head is that of a key of `trust_root` which was in use when it signed.

    Returns False where a key has been compromised since: that moment is asserted by the key itself, so its signature
    proves nothing any more. Raises SignatureInvalid, KeyUnknown or KeyNotValid.
    """
    keyids = [signature.keyid for signature in envelope.signatures]
    if len(set(keyids)) != len(keyids):
        raise SignatureInvalid("One key signed twice.")
    keys = [trust_root.key(keyid) for keyid in keyids]
    for key, signature in zip(keys, envelope.signatures, strict=True):
        key.public.verify(signature.sig, envelope.pae)
    if any(key.state == "compromised" for key in keys):
        return False
    for key in keys:
        if not key.was_in_use(signed_at):
            raise KeyNotValid(f"The key {key.keyid[:16]} was not in use at {format_moment(signed_at)}.")
    return True


def check_signatures(
    heads: Sequence[KeptHead], trust_root: TrustRoot
) -> Iterator[tuple[KeptHead, bool, VerificationError | None]]:
    """Each signed head, whether its signatures prove anything, and what is wrong with them where something is."""
    for head in heads:
        if head.envelope is None or head.signed_at is None:
            continue
        try:
            yield head, check_signature(head.envelope, head.signed_at, trust_root), None
        except VerificationError as refused:
            yield head, False, refused
