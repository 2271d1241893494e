"""Every rule is listed, nothing passes because a check did not run, and the result is the same to the byte."""

import itertools
import json
import os
import subprocess
import sys

import pytest

from runcible.canonical import canonical_json
from runcible.content import Context, Output
from runcible.governance import policy_engine
from runcible.governance.policy_engine import evaluate
from runcible.governance.validators import VALIDATORS, contract
from runcible.records import TESTS, Evaluation

CONTEXT = Context("acme", "model-1", "What is the weather?")
OUTPUT = Output.of_text("The sky was clear.")


@pytest.fixture
def run(load_policy, rules_with):
    def evaluate_rules(*rules, requirements=None, output=OUTPUT, context=CONTEXT, **changes):
        return evaluate(load_policy(rules_with(*rules, **changes), requirements), output, context)

    return evaluate_rules


def test_every_rule_is_listed_not_only_the_first_failure(run, rule):
    evaluation = run(rule("false", id="a"), rule("true", id="b"), rule("false", id="c"))
    assert [(one.id, one.verdict) for one in evaluation.rules] == [("a", "fail"), ("b", "pass"), ("c", "fail")]
    assert [one.id for one in evaluation.failed] == ["a", "c"]


@pytest.mark.parametrize(
    ("cel", "severity", "state"),
    [
        ("true", "block", "certified"),
        ("false", "block", "blocked"),
        ("false", "review", "escalated"),
        ("false", "warn", "certified"),
        ("false", "info", "certified"),
        ("output.nothing", "block", "undecidable"),
        ("output.nothing", "review", "undecidable"),
        ("output.nothing", "warn", "certified"),
    ],
)
def test_what_follows_from_a_rule(run, rule, cel, severity, state):
    evaluation = run(rule(cel, severity=severity))
    assert evaluation.action_state == state
    assert evaluation.decision == ("certified" if state == "certified" else "rejected")


def test_the_worst_wins(run, rule):
    rules = {
        "certified": rule("true", id="a"),
        "escalated": rule("false", id="b", severity="review"),
        "undecidable": rule("output.nothing", id="c"),
        "blocked": rule("false", id="d"),
    }
    order = list(rules)
    for chosen in itertools.combinations(order, 2):
        evaluation = run(*(rules[state] for state in chosen))
        assert evaluation.action_state == max(chosen, key=order.index)


def test_a_condition_that_does_not_hold_makes_a_rule_not_applicable(run, rule):
    evaluation = run(rule("false", when="output.length > 1000", risk_points=500))
    assert evaluation.rules[0].verdict == "not_applicable"
    assert (evaluation.risk_points, evaluation.action_state) == (0, "certified")


def test_a_condition_that_can_not_be_decided_makes_the_rule_undecidable(run, rule):
    evaluation = run(rule("true", when="output.nothing"))
    assert (evaluation.rules[0].verdict, evaluation.action_state) == ("undecidable", "undecidable")


@pytest.mark.parametrize(
    ("on_missing", "verdict"), [(None, "undecidable"), ("undecidable", "undecidable"), ("fail", "fail")]
)
def test_missing_evidence_never_passes(run, rule, on_missing, verdict):
    evaluation = run(rule("true", needs=["input", "model.name"], on_missing=on_missing), context=Context("acme", ""))
    (result,) = evaluation.rules
    assert (result.verdict, result.missing) == (verdict, ("input", "model.name"))
    assert result.reason == "evidence that this rule needs is missing"


def test_a_validator_that_crashes_is_undecidable_and_quotes_nothing(run, rule, monkeypatch):
    def explode(parameters):
        def check(material):
            raise RuntimeError(material.output.text)

        return check

    broken = contract.Validator("length", 1, {"type": "object"}, explode)
    monkeypatch.setitem(VALIDATORS, "length", broken)
    evaluation = run(rule(check={"validator": "length"}, remedy="Not loaded before."), rule("true", id="next"))
    assert [one.verdict for one in evaluation.rules] == ["undecidable", "pass"]
    assert evaluation.rules[0].reason == "the check failed to run (RuntimeError)"
    assert evaluation.decision == "rejected"


def test_a_check_that_takes_too_long_is_undecidable(load_policy, rules_with, rule):
    policy = load_policy(rules_with(rule("true", id="slow"), rule("true", id="quick")))
    readings = iter([0.0, 0.0, 2.5, 2.5, 2.6])
    evaluation = evaluate(policy, OUTPUT, CONTEXT, stopwatch=lambda: next(readings))
    assert [one.verdict for one in evaluation.rules] == ["undecidable", "pass"]


def test_when_the_time_is_used_up_the_rest_is_undecidable(load_policy, rules_with, rule):
    policy = load_policy(rules_with(*(rule("true", id=f"r{n}") for n in range(3))))
    readings = iter([0.0, 0.0, 1.0, 11.0, 11.0])
    evaluation = evaluate(policy, OUTPUT, CONTEXT, stopwatch=lambda: next(readings))
    assert [one.verdict for one in evaluation.rules] == ["pass", "undecidable", "undecidable"]


def test_later_rules_see_what_earlier_ones_found(run, rule):
    finder = rule(id="mail", check={"validator": "email_addresses"}, severity="info")
    two = Output.of_text("a@b.org, c@d.org")
    assert run(finder, rule("findings['mail'].count == 2"), output=two).rules[1].verdict == "pass"
    assert run(rule("findings['later'].count == 0", id="early")).rules[0].verdict == "undecidable"


def test_tests_sum_up_their_rules(run, rule):
    evaluation = run(
        rule("true", id="a", test="identity"),
        rule("false", id="b", test="identity", severity="info"),
        rule("true", id="c", test="liability"),
        rule("output.nothing", id="d", test="liability"),
        rule("true", id="e", test="evidence"),
        rule("false", id="f", test="authority", when="false"),
    )
    assert evaluation.tests == {
        **dict.fromkeys(TESTS, "not_applicable"),
        "identity": "fail",
        "liability": "undecidable",
        "evidence": "pass",
    }
    assert tuple(evaluation.tests) == TESTS


@pytest.mark.parametrize(
    ("points", "state"), [(2999, "certified"), (3000, "escalated"), (7999, "escalated"), (8000, "blocked")]
)
def test_risk_points_add_up(run, rule, points, state):
    half = points // 2
    evaluation = run(
        rule("false", id="a", severity="warn", risk_points=half),
        rule("output.nothing", id="b", severity="warn", risk_points=points - half),
        rule("true", id="c", severity="warn", risk_points=5000),
    )
    assert (evaluation.risk_points, evaluation.action_state) == (points, state)
    assert [one.risk_points for one in evaluation.rules] == [half, points - half, 0]


def requirement(*needs, mandatory=True):
    return {"control": "C 1", "title": "A control", "mandatory": mandatory, "needs": list(needs)}


@pytest.mark.parametrize(
    ("needs", "status", "missing", "state"),
    [
        (("input", "model", "signature", "timestamp", "rule:good"), "satisfied", (), "certified"),
        (("signature:RSA-SHA256", "test:decidability"), "satisfied", (), "certified"),
        (("rule:good", "rule:bad"), "failed", ("rule:bad",), "escalated"),
        (("input.text", "rule:good"), "missing", ("input.text",), "undecidable"),
        (("test:liability",), "missing", ("test:liability",), "undecidable"),
    ],
)
def test_a_control_is_satisfied_by_its_evidence_alone(run, rule, needs, status, missing, state):
    rules = rule("true", id="good"), rule("false", id="bad", severity="info", test="identity")
    evaluation = run(*rules, requirements=[requirement(*needs)], context=Context("acme", "m", input_hash="0" * 64))
    (control,) = evaluation.controls
    assert (control.status, control.missing, evaluation.action_state) == (status, missing, state)


def test_a_control_that_is_not_mandatory_stands_in_nobodys_way(run, rule):
    evaluation = run(rule("true"), requirements=[requirement("input.text", mandatory=False)], context=Context("a", "m"))
    assert (evaluation.controls[0].status, evaluation.action_state) == ("missing", "certified")


def test_a_timestamp_that_may_come_later_is_no_evidence_yet(run, rule):
    later = {"time_to_live_days": 1, "signatures": ["RSA-SHA256"], "timestamp": "deferred"}
    evaluation = run(rule("true"), requirements=[requirement("timestamp")], certificate=later)
    assert evaluation.controls[0].status == "missing"


def test_findings_commit_to_words_without_holding_them(run, rule):
    output = Output.of_text("Call Bob at bob@example.org.")
    evaluation = run(rule(check={"validator": "email_addresses"}), output=output)
    (finding,) = evaluation.rules[0].findings
    assert output.text[finding.start : finding.end] == "bob@example.org"
    assert finding.quote_digest == output.quote_digests([(finding.start, finding.end)])[0]
    assert "bob" not in json.dumps(evaluation.document)


def test_a_flood_of_findings_is_counted_and_cut(run, rule):
    output = Output.of_text("a@b.org " * 5000)
    (result,) = run(rule(check={"validator": "email_addresses"}), output=output).rules
    assert (len(result.findings), result.findings_total) == (50, 1000)


def test_the_record_survives_being_written(load_policy):
    evaluation = evaluate(load_policy("general"), Output.of_text("Mail a@b.org, risk free."), CONTEXT)
    assert Evaluation.from_document(json.loads(canonical_json(evaluation.document))) == evaluation


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"rules": [5]}, {"risk_points": "1"}, {"tests": {}}, {"decision": None}], ids=str
)
def test_a_record_of_another_shape_is_refused(load_policy, change):
    document = evaluate(load_policy("general"), OUTPUT, CONTEXT).document
    with pytest.raises(ValueError):
        Evaluation.from_document({**document, **change})


SCRIPT = """
import sys
from runcible.canonical import canonical_json
from runcible.content import Context, Output
from runcible.governance import packs
from runcible.governance.policy_documents import Policy
from runcible.governance.policy_engine import engine_digest, evaluate
pack = packs.read("financial-promotions")
content = {name: pack[name] for name in ("policy_rules", "compliance_requirements")}
policy = Policy.load({"id": "a", "name": "b", "version": 1, **content})
text = "Guaranteed! a@b.org c@d.org 4111 1111 1111 1111 SSN 123 45 6789 p\\u0430ypal \\u200b last year returned 5%"
sys.stdout.buffer.write(canonical_json(evaluate(policy, Output.of_text(text), Context("a", "m")).document))
sys.stdout.buffer.write(engine_digest().encode())
"""


def test_the_result_is_the_same_in_every_process():
    results = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(results) == 1
    assert len(results.pop()) > 1000


def test_the_engine_is_named_by_its_sources():
    assert len(policy_engine.engine_digest()) == 64
