"""What an evaluation found, as frozen values with an exact JSON form. They hold no word of the content and no float."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runcible.content import Context, Output
from runcible.shapes import TEXT_OR_NONE, Kinds, shaped, texts

__all__ = [
    "TESTS",
    "Context",
    "ControlResult",
    "Evaluation",
    "Finding",
    "Output",
    "RuleResult",
]

TESTS = (
    "identity",
    "consistency",
    "evidence",
    "possibility",
    "reciprocity",
    "authority",
    "liability",
    "decidability",
)
"""The eight tests that every record reports, in this order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in the hashed text that a rule points at; `start == end` says that something is absent.

    `start` and `end` count code points of `Output.text`, `end` not included. `quote_digest` is
    that of `Output.quote_digests`: the words themselves are never kept here.
    """

    rule: str
    start: int
    end: int
    message: str
    quote_digest: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule of a policy came to.

    `verdict` is `pass`, `fail`, `undecidable` (with `reason`, and what was `missing`) or `not_applicable` (its `when`
    did not hold). `risk_points` are those that this rule really added. `findings` holds the first fifty of
    `findings_total`.
    """

    id: str
    title: str
    test: str
    severity: str
    verdict: str
    expression: str
    reason: str | None
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    findings_total: int
    risk_points: int
    controls: tuple[str, ...]
    message: str
    remedy: str

    @property
    def stands_in_the_way(self) -> bool:
        """Whether this rule alone keeps the output from being certified."""
        return self.severity in {"review", "block"} and self.verdict in {"fail", "undecidable"}


@dataclass(frozen=True, slots=True)
class ControlResult:
    """Whether the evidence that an outside control asks for is there: `satisfied`, `failed` or `missing`."""

    control: str
    title: str
    mandatory: bool
    status: str
    needs: tuple[str, ...]
    missing: tuple[str, ...]  # those of `needs` that failed or are missing


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One policy run over one output: every rule in the policy's order, the eight tests, and what follows.

    `action_state` is `certified`, `escalated`, `blocked` or `undecidable`; `decision` is `certified` only for the
    first, else `rejected`: while there is no review queue nothing is passed on hope.
    """

    rules: tuple[RuleResult, ...]
    tests: dict[str, str]
    controls: tuple[ControlResult, ...]
    risk_points: int
    action_state: str
    decision: str

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that keep this output from being certified."""
        return tuple(rule for rule in self.rules if rule.stands_in_the_way)

    @property
    def document(self) -> dict[str, Any]:
        """The JSON form, as it is signed."""
        return {
            "rules": [_rule_document(rule) for rule in self.rules],
            "tests": dict(self.tests),
            "controls": [_control_document(control) for control in self.controls],
            "risk_points": self.risk_points,
            "action_state": self.action_state,
            "decision": self.decision,
        }

    @classmethod
    def from_document(cls, document: Any) -> "Evaluation":
        """Read back `document`. Raises ValueError for any other shape."""
        read = shaped(document, "an evaluation", _EVALUATION)
        return cls(
            rules=tuple(_rule(rule) for rule in read["rules"]),
            tests=shaped(read["tests"], "the tests", dict.fromkeys(TESTS, str)),
            controls=tuple(_control(control) for control in read["controls"]),
            risk_points=read["risk_points"],
            action_state=read["action_state"],
            decision=read["decision"],
        )


_EVALUATION: Mapping[str, Kinds] = {
    "rules": list,
    "tests": dict,
    "controls": list,
    "risk_points": int,
    "action_state": str,
    "decision": str,
}
_RULE: Mapping[str, Kinds] = {
    "id": str,
    "title": str,
    "test": str,
    "severity": str,
    "verdict": str,
    "expression": str,
    "reason": TEXT_OR_NONE,
    "missing": list,
    "findings": list,
    "findings_total": int,
    "risk_points": int,
    "controls": list,
    "message": str,
    "remedy": str,
}
_FINDING: Mapping[str, Kinds] = {"rule": str, "start": int, "end": int, "message": str, "quote_digest": str}
_CONTROL: Mapping[str, Kinds] = {
    "control": str,
    "title": str,
    "mandatory": bool,
    "status": str,
    "needs": list,
    "missing": list,
}


def _rule_document(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title,
        "test": rule.test,
        "severity": rule.severity,
        "verdict": rule.verdict,
        "expression": rule.expression,
        "reason": rule.reason,
        "missing": list(rule.missing),
        "findings": [_finding_document(finding) for finding in rule.findings],
        "findings_total": rule.findings_total,
        "risk_points": rule.risk_points,
        "controls": list(rule.controls),
        "message": rule.message,
        "remedy": rule.remedy,
    }


def _rule(document: Any) -> RuleResult:
    read = shaped(document, "a rule", _RULE)
    lists = {
        "missing": texts(read["missing"], "missing"),
        "controls": texts(read["controls"], "controls"),
        "findings": tuple(Finding(**shaped(finding, "a finding", _FINDING)) for finding in read["findings"]),
    }
    return RuleResult(**{**read, **lists})


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "start": finding.start,
        "end": finding.end,
        "message": finding.message,
        "quote_digest": finding.quote_digest,
    }


def _control_document(control: ControlResult) -> dict[str, Any]:
    return {
        "control": control.control,
        "title": control.title,
        "mandatory": control.mandatory,
        "status": control.status,
        "needs": list(control.needs),
        "missing": list(control.missing),
    }


def _control(document: Any) -> ControlResult:
    read = shaped(document, "a control", _CONTROL)
    lists = {"needs": texts(read["needs"], "needs"), "missing": texts(read["missing"], "missing")}
    return ControlResult(**{**read, **lists})
