"""Policies as documents: every fault is told by its field, and nothing that could run away gets in."""

import copy

import pytest

from runcible import strict_json
from runcible.errors import PolicyInvalid
from runcible.governance import packs
from runcible.governance.policy_documents import Policy, check, content_digest
from tests.effort import readings


@pytest.fixture
def pack():
    return packs.read("general")


def faults(rules, requirements=()):
    with pytest.raises(PolicyInvalid) as refused:
        check(rules, list(requirements))
    return {one.field: one.message for one in refused.value.fields}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda rules: rules.pop("title"), "policy_rules"),
        (lambda rules: rules.update(title=""), "policy_rules.title"),
        (lambda rules: rules.update(schema="v2"), "policy_rules.schema"),
        (lambda rules: rules.update(surprise=1), "policy_rules"),
        (lambda rules: rules.update(rules=[]), "policy_rules.rules"),
        (lambda rules: rules["certificate"].update(signatures=[]), "policy_rules.certificate.signatures"),
        (lambda rules: rules["certificate"].update(signatures=["MD5"]), "policy_rules.certificate.signatures[0]"),
        (lambda rules: rules["certificate"].update(timestamp="never"), "policy_rules.certificate.timestamp"),
        (lambda rules: rules["certificate"].update(time_to_live_days=0), "policy_rules.certificate.time_to_live_days"),
        (lambda rules: rules["scoring"].update(block_at=1), "policy_rules.scoring.block_at"),
        (lambda rules: rules["rules"][2].update(id="Not An Id"), "policy_rules.rules[2].id"),
        (lambda rules: rules["rules"][2].update(id=rules["rules"][0]["id"]), "policy_rules.rules[2].id"),
        (lambda rules: rules["rules"][2].update(test="mood"), "policy_rules.rules[2].test"),
        (lambda rules: rules["rules"][2].update(severity="fatal"), "policy_rules.rules[2].severity"),
        (lambda rules: rules["rules"][2].update(on_missing="pass"), "policy_rules.rules[2].on_missing"),
        (lambda rules: rules["rules"][2].update(needs=["weather"]), "policy_rules.rules[2].needs[0]"),
        (lambda rules: rules["rules"][2].update(when="output.length <"), "policy_rules.rules[2].when"),
        (lambda rules: rules["rules"][2].update(when="output.length"), None),  # dynamic: known only when it runs
        (lambda rules: rules["rules"][2].update(check={"cel": "weather == 1"}), "policy_rules.rules[2].check.cel"),
        (lambda rules: rules["rules"][2].update(check={"cel": "1 + 1"}), "policy_rules.rules[2].check.cel"),
        (lambda rules: rules["rules"][2].update(check={"cel": "true" + " " * 4000}), "policy_rules.rules[2].check.cel"),
        (lambda rules: rules["rules"][2].update(check={}), "policy_rules.rules[2].check"),
        (
            lambda rules: rules["rules"][2].update(check={"cel": "true", "validator": "length"}),
            "policy_rules.rules[2].check",
        ),
        (
            lambda rules: rules["rules"][2].update(check={"validator": "oracle"}),
            "policy_rules.rules[2].check.validator",
        ),
        (
            lambda rules: rules["rules"][2].update(check={"validator": "length", "parameters": {"maximum": -1}}),
            "policy_rules.rules[2].check.parameters.maximum",
        ),
        (
            lambda rules: rules["rules"][2].update(check={"validator": "length", "parameters": {"weight": 1}}),
            "policy_rules.rules[2].check.parameters",
        ),
        (
            lambda rules: rules["rules"][2].update(
                check={"validator": "banned_claims", "parameters": {"patterns": ["ok", "("]}}
            ),
            "policy_rules.rules[2].check.parameters.patterns[1]",
        ),
        (
            lambda rules: rules["rules"][2].update(
                check={"validator": "banned_claims", "parameters": {"patterns": ["x" * 501]}}
            ),
            "policy_rules.rules[2].check.parameters.patterns[0]",
        ),
        (
            lambda rules: rules["rules"][2].update(
                check={"validator": "banned_claims", "parameters": {"patterns": [str(n) for n in range(501)]}}
            ),
            "policy_rules.rules[2].check.parameters.patterns",
        ),
    ],
)
def test_a_fault_is_told_by_its_field(pack, change, field):
    rules = copy.deepcopy(pack["policy_rules"])
    change(rules)
    if field is None:
        check(rules, [])
    else:
        assert field in faults(rules)


def test_every_fault_is_told_at_once(pack):
    rules = copy.deepcopy(pack["policy_rules"])
    rules["rules"][0]["check"] = {"cel": "weather"}
    rules["rules"][1]["check"] = {"validator": "oracle"}
    rules["rules"][2]["id"] = rules["rules"][3]["id"]
    assert list(faults(rules)) == [
        "policy_rules.rules[0].check.cel",
        "policy_rules.rules[1].check.validator",
        "policy_rules.rules[3].id",
    ]


def test_ten_thousand_rules_are_refused_unread(pack):
    rules = {**pack["policy_rules"], "rules": pack["policy_rules"]["rules"][:1] * 10_000}
    assert list(faults(rules)) == ["policy_rules.rules"]
    assert readings(lambda: list(faults(rules))) < 10


def test_a_huge_document_is_refused(pack):
    rules = copy.deepcopy(pack["policy_rules"])
    phrases = [f"{number:03} " + "word " * 90 for number in range(500)]
    rules["rules"][5]["check"]["parameters"] = {"phrases": phrases, "patterns": phrases}
    assert list(faults(rules)) == ["policy_rules"]


@pytest.mark.parametrize("rules", [None, [], "x", 5, {"rules": 5}, {"rules": [5]}, {"rules": [[]]}], ids=str)
def test_anything_else_is_no_policy(rules):
    assert faults(rules)


def test_what_has_no_exact_form_is_refused(pack):
    rules = {**pack["policy_rules"], "scoring": {"escalate_at": float("nan"), "block_at": 1}}
    assert list(faults(rules)) == ["policy_rules.scoring.escalate_at"]


def test_the_pattern_that_ruins_other_engines_is_accepted(pack):
    rules = copy.deepcopy(pack["policy_rules"])
    rules["rules"][5]["check"]["parameters"] = {"patterns": ["(a+)+$"]}
    check(rules, [])


@pytest.mark.parametrize("need", ["rule:nobody", "test:mood", "signature:Ed25519", "weather", "rule:"])
def test_a_control_may_only_ask_for_evidence_that_can_be_given(pack, need):
    requirement = {"control": "C", "title": "T", "mandatory": True, "needs": ["model", need]}
    assert list(faults(pack["policy_rules"], [requirement])) == ["compliance_requirements[0].needs[1]"]


def test_the_digest_is_of_the_content_alone(pack):
    document = {"id": "a", "name": "n", "version": 1, **{name: pack[name] for name in CONTENT}}
    other = {**document, "id": "b", "name": "m", "version": 7}
    assert (
        Policy.load(document).digest == Policy.load(other).digest == content_digest(*(pack[name] for name in CONTENT))
    )
    changed = copy.deepcopy(document)
    changed["policy_rules"]["title"] += "!"
    assert Policy.load(changed).digest != Policy.load(document).digest


CONTENT = ("policy_rules", "compliance_requirements")


def test_a_spelling_of_a_number_changes_no_digest(pack):
    rules = copy.deepcopy(pack["policy_rules"])
    spelt = strict_json.loads(b"3.0e3")
    rules["scoring"]["escalate_at"] = spelt
    assert content_digest(rules, []) == content_digest(pack["policy_rules"], [])
    assert check(rules, []) == check(pack["policy_rules"], [])


def test_changing_the_document_afterwards_changes_no_policy(pack):
    document = {"id": "a", "name": "n", "version": 1, **{name: pack[name] for name in CONTENT}}
    policy = Policy.load(document)
    document["policy_rules"]["title"] = "Changed"
    assert policy.title == "General"
    assert content_digest(policy.policy_rules, policy.compliance_requirements) == policy.digest


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"id": "", "name": "n", "version": 1},
        {"id": "a", "name": "n", "version": 0},
        {"id": 1, "version": True},
    ],
    ids=str,
)
def test_a_version_must_say_which_it_is(pack, document):
    whole = document and {**{name: pack[name] for name in CONTENT}, **document}
    with pytest.raises(PolicyInvalid):
        Policy.load(whole)


def test_what_a_certificate_needs_is_read_from_the_policy(load_policy):
    policy = load_policy("financial-promotions")
    assert policy.time_to_live.days == 90
    assert policy.signatures == ("RSA-SHA256", "ECDSA-P256-SHA256")
    assert policy.timestamp == "required"
    assert set(policy.liability) == {"warranted_by", "scope", "limits", "authority", "jurisdiction"}
