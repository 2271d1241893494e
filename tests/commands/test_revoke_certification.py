"""Taking certificates back."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict
from app.queries.certification_proofs import bundle_of
from runcible.certification import bundle
from tests.doors import went_well
from tests.factories import BOASTFUL, a_certification, settle
from tests.trail import audit_rows, audit_trail, custody


def test_a_revoked_certificate_says_when_by_whom_and_why(door, alice):
    certification_id = a_certification(alice)
    assert went_well(door(alice).revoke_certification(certification_id, reason="The price was wrong."))
    made = alice.certification(certification_id)
    assert (made.certification_status, made.revoked_by_user_id) == ("revoked", alice.user_id)
    assert made.revocation_reason == "The price was wrong."
    assert made.revoked_at >= made.certified_at
    assert audit_trail(made)[-1] == "certification.revoked"
    assert audit_rows(made)[-1].after_state["certification_status"] == "revoked"
    assert custody(certification_id)[-1].event_type == "revoked"


def test_the_new_status_is_sealed_before_a_bundle_tells_it(alice, api):
    certification_id = a_certification(alice)
    api(alice).revoke_certification(certification_id, reason="The price was wrong.")
    with pytest.raises(Conflict, match="being sealed"):
        alice.sees(lambda _actor: bundle_of(alice.certification(certification_id)))
    settle(alice)
    made = alice.certification(certification_id)
    status = bundle.read(alice.sees(lambda _actor: bundle_of(made))).status
    assert (status.certification_status, status.reason) == ("revoked", "The price was wrong.")
    assert status.effective_at == made.revoked_at
    assert audit_trail(made)[-2:] == ["certification.revoked", "certification.sealed"]


def test_the_statement_and_its_signatures_stay_as_they_were(alice, api):
    certification_id = a_certification(alice)
    before = alice.certification(certification_id)
    api(alice).revoke_certification(certification_id, reason="The price was wrong.")
    settle(alice)
    after = alice.certification(certification_id)
    assert (after.payload, after.dsse_envelope, after.timestamp_token) == (
        before.payload,
        before.dsse_envelope,
        before.timestamp_token,
    )


def test_revoking_twice_is_revoking_once(door, alice):
    certification_id = a_certification(alice)
    door(alice).revoke_certification(certification_id, reason="The price was wrong.")
    assert went_well(door(alice).revoke_certification(certification_id, reason="Something else."))
    made = alice.certification(certification_id)
    assert made.revocation_reason == "The price was wrong."
    assert audit_trail(made).count("certification.revoked") == 1


@pytest.mark.parametrize(("reason", "wrong"), [("", "This is required."), ("x" * 2001, "at most 2,000 characters")])
def test_a_reason_is_asked_for(door, alice, reason, wrong):
    certification_id = a_certification(alice)
    answer = door(alice).revoke_certification(certification_id, reason=reason)
    assert answer.status_code == 422
    assert wrong in answer.text
    assert alice.certification(certification_id).certification_status == "certified"


@pytest.mark.parametrize(("settled", "text"), [(False, "An honest text."), (True, BOASTFUL)])
def test_what_is_not_certified_cannot_be_revoked(door, alice, settled, text):
    certification_id = a_certification(alice, settled=settled, output_content=text)
    answer = door(alice).revoke_certification(certification_id, reason="The price was wrong.")
    assert answer.status_code == 409
    assert "Only a certified output can be revoked" in answer.text


def test_a_member_cannot_revoke(door, alice, bob):
    certification_id = a_certification(bob)
    assert door(bob).revoke_certification(certification_id, reason="I changed my mind.").status_code == 403
    assert alice.certification(certification_id).certification_status == "certified"


def test_a_stranger_finds_nothing_to_revoke(door, alice, mallory):
    certification_id = a_certification(alice)
    assert door(mallory).revoke_certification(certification_id, reason="Because.").status_code == 404
    assert alice.certification(certification_id).certification_status == "certified"
