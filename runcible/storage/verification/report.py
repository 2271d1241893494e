"""What a verification of the audit trail has found."""

from dataclasses import dataclass, field

from runcible.storage.audit_heads import KeptHead

MOST_FINDINGS = 1000


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
    signed_heads: int = 0  # beside the chain, of links that are there
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
