"""A corrected version takes the place of the one before."""

from __future__ import annotations

from app.queries.certification_proofs import bundle_of
from runcible.certification import bundle
from tests.factories import BOASTFUL, HONEST, a_certification, a_task, settle
from tests.trail import audit_trail, custody


def status_in_bundle(player, certification_id):
    made = player.certification(certification_id)
    return bundle.read(player.sees(lambda _actor: bundle_of(made))).status


def test_the_older_version_is_superseded_once_the_newer_is_certified(alice):
    task = a_task(alice)
    older_id = a_certification(alice, task_id=task.id)
    newer_id = a_certification(alice, task_id=task.id, settled=False, parent_certification_id=older_id)
    assert alice.certification(older_id).certification_status == "certified"
    settle(alice)
    older, newer = alice.certification(older_id), alice.certification(newer_id)
    assert (older.certification_status, older.superseded_by_id) == ("superseded", newer_id)
    assert (newer.certification_status, newer.supersedes_id) == ("certified", older_id)
    assert audit_trail(older)[-2:] == ["certification.superseded", "certification.sealed"]
    assert custody(older_id)[-2].event_data == {"by": newer.certification_number}


def test_its_bundle_says_which_certificate_took_its_place(alice):
    older_id = a_certification(alice)
    newer_id = a_certification(alice, parent_certification_id=older_id)
    status = status_in_bundle(alice, older_id)
    assert status.certification_status == "superseded"
    assert status.superseded_by == alice.certification(newer_id).certification_number


def test_a_rejected_correction_leaves_the_older_version_in_force(alice):
    older_id = a_certification(alice, output_content=HONEST)
    newer_id = a_certification(alice, output_content=BOASTFUL, parent_certification_id=older_id)
    assert alice.certification(newer_id).certification_status == "rejected"
    older = alice.certification(older_id)
    assert (older.certification_status, older.superseded_by_id) == ("certified", None)


def test_a_rejected_output_that_was_corrected_stays_rejected(alice):
    older_id = a_certification(alice, output_content=BOASTFUL)
    newer_id = a_certification(alice, output_content=HONEST, parent_certification_id=older_id)
    assert alice.certification(newer_id).certification_status == "certified"
    assert alice.certification(older_id).certification_status == "rejected"


def test_a_revoked_certificate_stays_revoked(alice, api):
    older_id = a_certification(alice)
    api(alice).revoke_certification(older_id, reason="The price was wrong.")
    a_certification(alice, parent_certification_id=older_id)
    assert alice.certification(older_id).certification_status == "revoked"
