"""From the request to the verdict: judged, frozen, signed, time-stamped, decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.commands.tenants import system_actor
from app.core import tenancy
from app.core.database import db
from app.jobs import certifications as jobs
from app.models.application_instances import ApplicationInstance
from app.queries.certifications import statement_of
from runcible.certification.numbers import parse_number
from tests.cast import afresh
from tests.factories import BOASTFUL, a_certification, settle
from tests.trail import audit_rows, audit_trail, custody

CERTIFIED = ["created", "judged", "signed", "timestamped", "certified"]
REJECTED = ["created", "judged", "signed", "timestamped", "rejected"]


def run(player, job, certification_id):
    afresh()
    with tenancy.entered(db.session, player.organisation.id):
        job(system_actor(db.session.get(ApplicationInstance, player.organisation.id)), certification_id)
    afresh()


def failed_rules(player, certification):
    statement = player.sees(lambda _actor: statement_of(certification))
    return {rule.id: rule for rule in statement.evaluation.rules if rule.verdict == "fail"}


def test_an_honest_text_is_certified(alice):
    made = alice.certification(a_certification(alice))
    assert (made.certification_status, made.action_state) == ("certified", "certified")
    assert parse_number(made.certification_number).year == made.certified_at.year
    assert made.signature_algorithm == "RSA-SHA256"
    assert len(made.dsse_envelope["signatures"]) == 2
    assert made.timestamp_token
    assert made.timestamped_at - made.created_at < timedelta(minutes=1)
    assert timedelta(days=364) < made.expires_at - made.certified_at <= timedelta(days=365)
    assert audit_trail(made) == [f"certification.{event}" for event in CERTIFIED]
    assert [entry.event_type for entry in custody(made.id)] == CERTIFIED
    assert audit_rows(made)[-1].action == "certify"


def test_the_steps_of_the_system_are_told_apart_from_those_of_people(alice):
    made = alice.certification(a_certification(alice))
    events = audit_rows(made)
    assert [event.actor_user_id for event in events] == [alice.user_id, None, None, None, None]
    assert [event.metadata["via"] for event in events] == ["session", *["system"] * 4]


def test_a_boastful_text_is_rejected_under_a_number_and_signed_all_the_same(alice):
    policy = alice.organisation.policies["financial-promotions"]
    made = alice.certification(a_certification(alice, output_content=BOASTFUL, governance_policy_id=policy))
    assert (made.certification_status, made.action_state) == ("rejected", "blocked")
    assert made.certification_number
    assert made.signature
    assert made.timestamp_token
    assert made.certified_at is made.expires_at is None
    assert audit_trail(made) == [f"certification.{event}" for event in REJECTED]
    failed = failed_rules(alice, made)
    assert {"no-guarantees", "no-pressure", "capital-at-risk"} <= set(failed)
    marked = [BOASTFUL[each.start : each.end] for each in failed["no-guarantees"].findings]
    assert marked == ["guaranteed", "risk-free"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Write to anna.schmidt@example.com.", "no-email-addresses"),
        ("Pay with 4111 1111 1111 1111.", "no-card-numbers"),
        ("His number is 536-90-4399.", "no-us-social-security-numbers"),
        ("It says\u202e one thing.", "no-hidden-text"),
        ("x" * 200_001, "length"),
    ],
)
def test_each_shipped_check_finds_what_it_is_there_for(alice, text, rule):
    made = alice.certification(a_certification(alice, output_content=text))
    assert made.certification_status == "rejected"
    assert rule in failed_rules(alice, made)


def test_a_card_number_that_fails_its_checksum_is_let_pass(alice):
    made = alice.certification(a_certification(alice, output_content="Reference 4111 1111 1111 1112."))
    assert made.certification_status == "certified"


def test_what_only_people_could_decide_is_not_certified(alice):
    made = alice.certification(a_certification(alice, output_content="We hereby agree to everything you asked for."))
    assert (made.certification_status, made.action_state) == ("rejected", "escalated")


def test_numbers_follow_each_other_without_a_gap(alice):
    numbers = []
    for _each in range(3):
        made = alice.certification(a_certification(alice))
        numbers.append(parse_number(made.certification_number).sequence)
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_doing_every_job_twice_is_doing_it_once(alice):
    certification_id = a_certification(alice)
    before = alice.certification(certification_id)
    for job in (jobs.judge, jobs.sign, jobs.seal, jobs.supersede):
        run(alice, job, certification_id)
    after = alice.certification(certification_id)
    assert (after.version, after.signature, after.payload) == (before.version, before.signature, before.payload)
    assert [entry.event_type for entry in custody(certification_id)] == CERTIFIED


def test_a_certification_needs_no_task(alice):
    assert alice.certification(a_certification(alice, task_id=None)).certification_status == "certified"


def test_all_that_was_asked_for_at_once_is_decided(alice):
    wanted = [a_certification(alice, settled=False) for _each in range(5)]
    settle(alice)
    decided = [alice.certification(each) for each in wanted]
    assert {made.certification_status for made in decided} == {"certified"}
    assert len({made.certification_number for made in decided}) == 5
