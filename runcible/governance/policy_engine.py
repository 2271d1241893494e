"""Run a policy over an output: every rule is listed, nothing passes because a check did not run.

The result holds no clock, no randomness and no order of a set: it is the same to the byte in every run and process.
Only a check that takes longer than its time is different, and that is `undecidable`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from runcible.canonical import sha256_hex
from runcible.content import Context, Output
from runcible.governance.compliance_checker import check_controls
from runcible.governance.policy_documents import Policy, Rule
from runcible.governance.reading import read
from runcible.governance.validators import Hit, Material, Undecidable
from runcible.governance.validators.contract import MOST_HITS
from runcible.records import TESTS, ControlResult, Evaluation, Finding, RuleResult

VERSION = 1
KEPT_FINDINGS = 50
SECONDS_FOR_A_RULE = 2.0
SECONDS_FOR_ALL = 10.0

_WORST_FIRST = ("blocked", "undecidable", "escalated", "certified")


@cache
def engine_digest() -> str:
    """Return the SHA-256 over the sources of everything that judges: named in each statement, compared in a replay."""
    here = Path(__file__).parent
    sources = [*sorted(here.rglob("*.py")), here.parent / "canonical.py", here.parent / "content.py"]
    return sha256_hex(b"".join(sha256_hex(source.read_bytes()).encode() for source in sources))


def evaluate(
    policy: Policy, output: Output, context: Context, *, stopwatch: Callable[[], float] = time.monotonic
) -> Evaluation:
    """Judge `output` by every rule of `policy`.

    `stopwatch` gives seconds, only to bound how long rules may take. Never raises for what a rule does: a rule that
    crashes is undecidable.
    """
    run = _Run(policy, Material(output, read(output), context), stopwatch, stopwatch() + SECONDS_FOR_ALL)
    rules = tuple(run.results())
    tests = {test: _test_verdict(test, rules) for test in TESTS}
    controls = check_controls(policy, rules, tests, context)
    points = min(sum(rule.risk_points for rule in rules), 10_000)
    state = _action_state(policy, rules, controls, points)
    return Evaluation(
        rules=rules,
        tests=tests,
        controls=controls,
        risk_points=points,
        action_state=state,
        decision="certified" if state == "certified" else "rejected",
    )


@dataclass(slots=True)
class _Outcome:
    verdict: str
    reason: str | None = None
    missing: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()


class _Run:
    """One pass over the rules; expressions see what earlier rules came to."""

    def __init__(self, policy: Policy, material: Material, stopwatch: Callable[[], float], until: float) -> None:
        self._policy, self._material, self._stopwatch, self._until = policy, material, stopwatch, until
        self._facts = _facts(material)

    def results(self) -> Iterable[RuleResult]:
        for rule in self._policy.content.rules:
            outcome = self._timed(rule)
            if outcome.verdict in {"pass", "fail"}:
                self._facts["findings"][rule.id] = {"verdict": outcome.verdict, "count": len(outcome.hits)}
            yield _result(rule, outcome, self._material.output)

    def _timed(self, rule: Rule) -> _Outcome:
        started = self._stopwatch()
        if started > self._until:
            return _Outcome("undecidable", "the time for this policy was used up before this rule ran")
        outcome = self._judge(rule)
        if self._stopwatch() - started > SECONDS_FOR_A_RULE:
            return _Outcome("undecidable", f"the check took longer than {SECONDS_FOR_A_RULE:g} seconds")
        return outcome

    def _judge(self, rule: Rule) -> _Outcome:
        try:
            if rule.when is not None and not rule.when.decide(self._facts):
                return _Outcome("not_applicable", "the condition of this rule does not hold")
            missing = tuple(need for need in rule.needs if not _is_there(self._facts, need))
            if missing:
                return _Outcome(rule.on_missing, "evidence that this rule needs is missing", missing)
            return self._check(rule)
        except Undecidable as told:
            return _Outcome(rule.on_missing if told.missing else "undecidable", told.reason, told.missing)
        except Exception as crash:
            return _Outcome("undecidable", f"the check failed to run ({type(crash).__name__})")

    def _check(self, rule: Rule) -> _Outcome:
        if rule.expression is not None:
            return _Outcome("pass" if rule.expression.decide(self._facts) else "fail")
        assert rule.check is not None
        hits = tuple(islice(rule.check(self._material), MOST_HITS))
        return _Outcome("fail" if hits else "pass", hits=hits)


def _facts(material: Material) -> dict[str, Any]:
    """What expressions see. What is not known is absent, so that asking for it is undecidable."""
    output, context = material.output, material.context
    facts: dict[str, Any] = {
        "output": {"text": output.text, "length": len(output.text), "media_type": output.media_type},
        "input": {"captured": context.captured},
        "model": {"provider": context.provider, "name": context.model},
        "findings": {},
    }
    if output.is_json:
        facts["output"]["json"] = output.value
    if context.input_digest is not None:
        facts["input"]["digest"] = context.input_digest
    if context.input_text is not None:
        facts["input"]["text"] = context.input_text
    return facts


def _is_there(facts: dict[str, Any], need: str) -> bool:
    if need == "input":
        return "digest" in facts["input"]
    group, _, name = need.partition(".")
    return facts[group].get(name) not in (None, "")


def _result(rule: Rule, outcome: _Outcome, output: Output) -> RuleResult:
    kept = outcome.hits[:KEPT_FINDINGS]
    digests = output.quote_digests([(hit.start, hit.end) for hit in kept])
    return RuleResult(
        id=rule.id,
        title=rule.title,
        test=rule.test,
        severity=rule.severity,
        verdict=outcome.verdict,
        expression=rule.source,
        reason=outcome.reason,
        missing=outcome.missing,
        findings=tuple(
            Finding(rule.id, hit.start, hit.end, hit.message, digest) for hit, digest in zip(kept, digests, strict=True)
        ),
        findings_total=len(outcome.hits),
        risk_points=rule.risk_points if outcome.verdict in {"fail", "undecidable"} else 0,
        controls=rule.controls,
        message=rule.message,
        remedy=rule.remedy,
    )


def _test_verdict(test: str, rules: Iterable[RuleResult]) -> str:
    verdicts = {rule.verdict for rule in rules if rule.test == test}
    return next((verdict for verdict in ("fail", "undecidable", "pass") if verdict in verdicts), "not_applicable")


def _action_state(policy: Policy, rules: Iterable[RuleResult], controls: Iterable[ControlResult], points: int) -> str:
    """The worst that follows from any rule, any control and the sum of risk points."""
    scoring = policy.policy_rules["scoring"]
    states = {"certified"}
    for rule in rules:
        if rule.stands_in_the_way:
            failed = "blocked" if rule.severity == "block" else "escalated"
            states.add(failed if rule.verdict == "fail" else "undecidable")
    for control in controls:
        if control.mandatory and control.status != "satisfied":
            states.add("undecidable" if control.status == "missing" else "escalated")
    if points >= scoring["escalate_at"]:
        states.add("blocked" if points >= scoring["block_at"] else "escalated")
    return next(state for state in _WORST_FIRST if state in states)
