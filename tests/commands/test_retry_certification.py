"""Trying again what a technical fault has stopped."""

from __future__ import annotations

import pytest

from app.commands import certifications
from app.commands.certifications import fail_certification, judge_certification
from tests.cast import system
from tests.doors import went_well
from tests.factories import BOASTFUL, a_certification, a_request, settle
from tests.trail import audit_trail


def a_failed_one(player, *, judged=False, **given):
    made = certifications.request_certification(player.actor, a_request(player, **given))
    if judged:
        judge_certification(system(player.organisation), made.id)
    fail_certification(system(player.organisation), made.id, "It was tried 10 times.")
    return made.id


def test_a_fault_is_no_verdict_and_a_second_try_gives_one(door, alice):
    certification_id = a_failed_one(alice)
    failed = alice.certification(certification_id)
    assert (failed.certification_status, failed.certification_number, failed.signature) == ("failed", None, "")
    assert failed.failure_reason == "It was tried 10 times."
    assert went_well(door(alice).retry_certification(certification_id))
    settle(alice)
    made = alice.certification(certification_id)
    assert (made.certification_status, made.failure_reason) == ("certified", None)
    assert audit_trail(made)[:4] == [
        "certification.created",
        "certification.failed",
        "certification.retried",
        "certification.judged",
    ]


def test_what_was_frozen_before_the_fault_keeps_its_number_and_its_words(door, alice):
    certification_id = a_failed_one(alice, judged=True)
    frozen = alice.certification(certification_id)
    assert went_well(door(alice).retry_certification(certification_id))
    assert alice.certification(certification_id).certification_status == "validating"
    settle(alice)
    made = alice.certification(certification_id)
    assert made.certification_status == "certified"
    assert (made.certification_number, made.payload) == (frozen.certification_number, frozen.payload)
    assert audit_trail(made).count("certification.judged") == 1


@pytest.mark.parametrize("text", ["An honest text.", BOASTFUL])
def test_a_verdict_is_not_tried_again(door, alice, text):
    certification_id = a_certification(alice, output_content=text)
    answer = door(alice).retry_certification(certification_id)
    assert answer.status_code == 409
    assert "Only a certification that failed can be tried again." in answer.text


def test_a_viewer_cannot_try_again(door, alice, carol):
    certification_id = a_failed_one(alice)
    assert door(carol).retry_certification(certification_id).status_code == 403


def test_a_stranger_finds_nothing_to_try_again(door, alice, mallory):
    certification_id = a_failed_one(alice)
    assert door(mallory).retry_certification(certification_id).status_code == 404
