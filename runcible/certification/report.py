"""What verifying a bundle has found: every check with its verdict, and what the whole of them means."""

from dataclasses import dataclass, field
from typing import Any

from runcible.certification.statement import Statement
from runcible.errors import VerificationError

TITLES = {
    "form": "The bundle is in its canonical form",
    "seal": "The bundle is as it was sealed",
    "signature": "The signature belongs to the statement",
    "second_signature": "Every signature that the policy requires is there",
    "keys": "The keys were in use when they signed",
    "content": "The content is the one that was judged",
    "timestamp": "The time of the signature is attested",
    "inclusion": "The certification stands in the log",
    "policy": "The policy is the one that was applied",
    "status": "The certification stands",
    "expiry": "The certification is in its time",
}
"""Each check with its title, in the order in which they are made."""

ABOUT_NOW = ("status", "expiry")
"""The checks that tell how things stand, not whether the record is genuine."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `pass`, `fail` or `unknown`, and why. A required one has to pass."""

    name: str
    verdict: str
    reason: str
    required: bool = True
    error: type[VerificationError] | None = field(default=None, compare=False)  # what `verify` raises

    @property
    def title(self) -> str:
        """What is checked, as a sentence that holds when it passes."""
        return TITLES[self.name]

    @property
    def lacks_content(self) -> bool:
        """Whether this is the check of the content, and there is none to check."""
        return self.name == "content" and self.verdict == "unknown"

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "required": self.required,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Every check in order, and the statement where it could be read (believe it only when `authentic`)."""

    checks: tuple[Check, ...]
    statement: Statement | None

    @property
    def ok(self) -> bool:
        """Whether all required checks pass: the content may be relied on as the statement says."""
        return all(check.verdict == "pass" for check in self.checks if check.required)

    @property
    def authentic(self) -> bool:
        """Whether this is a genuine record of the issuer, be it of a rejection, or expired or revoked since.

        A record is no less genuine where its content isn't at hand, as after an erasure: other content would fail.
        """
        genuine = (check for check in self.checks if check.required and check.name not in ABOUT_NOW)
        return all(check.verdict == "pass" or check.lacks_content for check in genuine)

    @property
    def failed(self) -> bool:
        """Whether any required check fails. Not `ok` and not `failed`: something can't be decided."""
        return any(check.verdict == "fail" for check in self.checks if check.required)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "ok": self.ok,
            "authentic": self.authentic,
            "certification_number": None if self.statement is None else self.statement.number,
            "issuer": None if self.statement is None else self.statement.issuer.document,
            "requested_by": None if self.statement is None else self.statement.requested_by,
            "checks": [check.document for check in self.checks],
        }
