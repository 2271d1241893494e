"""Heads that the signer has signed, as the table `audit_heads` holds them: the chain must agree with each.

They lie beside the chain, so whoever rewrites the one could rewrite the other, but not without the signing keys. They
are read along with the chain, in its order: memory does not grow with them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from runcible.certification.dsse import Envelope
from runcible.certification.head_statement import HeadStatement
from runcible.certification.trust_root import TrustRoot
from runcible.errors import RuncibleError
from runcible.storage.audit_heads import MOST_LINKS, KeptHead, check_signature
from runcible.storage.verification.reading import digest_of_links, streamed
from runcible.storage.verification.report import Report

TABLE = "audit_heads"
AT_ONCE_SIGNED = 16  # heads that signers of the same moment may have signed over each other

_HEADS = "SELECT sequence, envelope FROM public.audit_heads ORDER BY sequence"


class SignedHeads:
    """The signed heads of a database, each compared with the link that it is of when the chain has come to that."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        report: Report,
        kept: Sequence[KeptHead] | None,
        trust_root: TrustRoot | None,
    ) -> None:
        self._connection, self._report, self._trust_root = connection, report, trust_root
        self._kept = {head.sequence: head for head in kept or () if head.envelope is not None}
        self._before = deque([0], maxlen=AT_ONCE_SIGNED)
        self._heads = self._read()
        self._head = next(self._heads, None)

    def pass_link(self, row: Any) -> None:
        """Compare the heads that are of this link, a row of the chain; those of links before it have none."""
        while self._head is not None and self._head["sequence"] < row.sequence:
            self._name("head and chain disagree: the link that was signed is not there")
        while self._head is not None and self._head["sequence"] == row.sequence:
            self._compare(row, self._head)
            self._head = next(self._heads, None)

    def end(self, length: int) -> None:
        """Name the heads beyond the last link, and those that were kept and are not here any more."""
        while self._head is not None:
            self._name(
                f"head and chain disagree: the chain ends at sequence {length}; it was cut off, or the head put in"
            )
        for head in self._kept.values():
            self._report.add(TABLE, f"sequence {head.sequence}", f"was taken out: line {head.line} of the heads has it")

    def _name(self, what: str) -> None:
        assert self._head is not None
        self._report.add(TABLE, f"sequence {self._head['sequence']}", what)
        self._head = next(self._heads, None)

    def _compare(self, row: Any, head: dict[str, Any]) -> None:
        name = f"sequence {head['sequence']}"
        self._report.signed_heads += 1
        if bytes(row.hash).hex() != head["hash"]:
            said = f"head and chain disagree: the head says hash {head['hash']}, the chain has {bytes(row.hash).hex()}"
            self._report.add(TABLE, name, said)
        elif self._digest(head) != head["links"]:
            said = f"head and chain disagree: the links from {head['since'] + 1} on are not as they were signed"
            self._report.add(TABLE, name, said)

    def _digest(self, head: dict[str, Any]) -> str:
        return digest_of_links(self._connection, "signed", head["since"], head["sequence"])

    def _read(self) -> Iterator[dict[str, Any]]:
        """The heads that can be believed, in their order."""
        for row in streamed(self._connection, "signed_heads", _HEADS):
            name = f"sequence {row.sequence}"
            head = self._believed(name, row)
            if head is not None:
                self._compare_with_kept(name, head)
                self._follow(name, head)
            self._before.append(row.sequence)
            if head is not None:
                yield head

    def _believed(self, name: str, row: Any) -> dict[str, Any] | None:
        """A head as it was signed; what is wrong with another is named."""
        try:
            envelope = Envelope.from_document(row.envelope)
            statement = HeadStatement.read(envelope.payload)
            if self._trust_root is not None:
                check_signature(envelope, statement.signed_at, self._trust_root)
        except RuncibleError as wrong:
            self._report.add(TABLE, name, f"is not as it was signed, or by another: {wrong}")
            return None
        if statement.head["sequence"] != row.sequence:
            said = f"stands in another place: it is of sequence {statement.head['sequence']}"
            self._report.add(TABLE, name, said)
            return None
        return statement.head

    def _compare_with_kept(self, name: str, head: dict[str, Any]) -> None:
        kept = self._kept.pop(head["sequence"], None)
        if kept is not None and kept.document != head:
            said = f"is not the one in line {kept.line} of the heads: one of the two was changed"
            self._report.add(TABLE, name, said)

    def _follow(self, name: str, head: dict[str, Any]) -> None:
        """Each head goes on from one before it, unless the chain had grown so long that it could not."""
        if head["since"] not in self._before and head["sequence"] - head["since"] < MOST_LINKS:
            self._report.add(TABLE, name, f"follows the head of sequence {head['since']}, which was taken out")
