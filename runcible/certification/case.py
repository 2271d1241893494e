"""A bundle under verification: what is handed in, what was found out so far, and how a check says what it found."""

from datetime import datetime
from typing import Any

from runcible.certification.bundle import Bundle
from runcible.certification.statement import Statement
from runcible.certification.timestamps import Timestamp, earliest
from runcible.certification.timestamps import verify as verify_timestamp
from runcible.certification.trust_root import TrustRoot
from runcible.errors import PolicyChanged, TimestampInvalid, TimestampUnavailable, VerificationError
from runcible.shapes import texts


class Case:
    """One bundle under verification, and what has been found out about it."""

    def __init__(
        self, bundle: Bundle, trust_root: TrustRoot, at: datetime, content: bytes | None, erased: bool
    ) -> None:
        self.bundle, self.trust_root, self.at, self.content, self.erased = bundle, trust_root, at, content, erased
        self.verdicts: dict[str, str] = {}
        self.stamps, self.stamp_error = self._stamps()

    @property
    def statement(self) -> Statement:
        """What the bundle says was judged."""
        return self.bundle.statement

    @property
    def stamp(self) -> Timestamp | None:
        """The token to believe, if all of them hold."""
        return earliest(self.stamps)

    def certificate_terms(self) -> dict[str, Any]:
        """What the policy asks of a certificate. Raises PolicyChanged when it doesn't say."""
        try:
            terms: dict[str, Any] = self.bundle.document["policy"]["policy_rules"]["certificate"]
            if texts(terms["signatures"], "signatures") and terms["timestamp"] in ("required", "deferred"):
                return terms
        except (KeyError, TypeError, ValueError):
            pass
        raise PolicyChanged("The policy in the bundle doesn't say what a certificate needs.")

    def _stamps(self) -> tuple[list[Timestamp], VerificationError | None]:
        message = self.bundle.envelope.signatures[0].sig
        try:
            return [verify_timestamp(one, message, self.trust_root) for one in self.bundle.timestamps], None
        except TimestampUnavailable as refused:
            return [], TimestampInvalid(str(refused))
        except VerificationError as wrong:
            return [], wrong


class Unknown(Exception):
    """The check can't be decided."""


Outcome = tuple[str, str, bool]  # verdict, reason, required


def passed(reason: str) -> Outcome:
    """What a check says that has found nothing wrong."""
    return "pass", reason, True
