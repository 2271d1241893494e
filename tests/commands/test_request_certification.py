"""Asking for an output to be certified."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select

from app.core import tenancy
from app.core.database import db
from app.core.outbox import outbox
from app.core.paging import Paging
from app.queries.certification_proofs import opened_output
from app.queries.certifications import CertificationFilters, list_certifications, list_versions
from tests.cast import afresh
from tests.doors import Json, went_well
from tests.factories import HONEST, a_certification, a_task, settle
from tests.trail import audit_trail, custody


def fields(player, **given):
    return {
        "output_content": HONEST,
        "llm_provider": "anthropic",
        "model_name": "claude-sonnet-4-5",
        "input": "How do I cancel?",
        "governance_policy_id": player.organisation.policies["general"],
    } | given


def only_certification(player):
    (row,) = player.sees(list_certifications, CertificationFilters(), Paging()).rows
    return player.certification(row.id)


def content(player, certification):
    return player.sees(lambda _actor: opened_output(certification))


def waiting_jobs(player):
    with tenancy.entered(db.session, player.organisation.id):
        rows = db.session.execute(select(outbox.c.job, outbox.c.queue, outbox.c.subject_id)).all()
    afresh()
    return rows


def test_a_request_is_kept_and_waits_for_its_verdict(door, alice):
    task = a_task(alice)
    assert went_well(door(alice).request_certification(task.id, **fields(alice)))
    made = only_certification(alice)
    assert (made.certification_status, made.certification_number, made.signature) == ("pending", None, "")
    assert (made.task_id, made.llm_provider, made.model_name) == (task.id, "anthropic", "claude-sonnet-4-5")
    assert made.output_hash == hashlib.sha256(HONEST.encode()).hexdigest()
    assert made.input_hash == hashlib.sha256(b"How do I cancel?").hexdigest()
    assert content(alice, made).text == HONEST
    assert audit_trail(made) == ["certification.created"]
    assert [entry.event_type for entry in custody(made.id)] == ["created"]
    assert waiting_jobs(alice) == [("certifications.judge", "default", made.id)]
    assert alice.task(task.id).certification_status == "pending"


def test_line_breaks_of_a_text_field_count_as_they_were_typed(door, alice):
    typed = "One line.\r\nAnother line.\r\n"
    door(alice).request_certification(a_task(alice).id, **fields(alice, output_content=typed))
    meant = typed if isinstance(door(alice), Json) else "One line.\nAnother line.\n"
    assert only_certification(alice).output_hash == hashlib.sha256(meant.encode()).hexdigest()


def test_json_is_hashed_in_its_canonical_form(door, alice):
    spaced = '{ "b" : [1, 2.50],  "a": "é" }'
    format_of_form = {"format": "json", "output_content": spaced}
    given = {"output_content": json.loads(spaced)} if isinstance(door(alice), Json) else format_of_form
    door(alice).request_certification(a_task(alice).id, **fields(alice, **given))
    made = only_certification(alice)
    assert made.output_hash == hashlib.sha256('{"a":"é","b":[1,2.5]}'.encode()).hexdigest()
    assert content(alice, made).document == {"media_type": "application/json", "json": {"a": "é", "b": [1, 2.5]}}


def test_the_hash_of_the_input_is_enough(door, alice):
    digest = hashlib.sha256(b"A secret question").hexdigest()
    given = {"input": None, "input_hash": digest}
    assert went_well(door(alice).request_certification(a_task(alice).id, **fields(alice, **given)))
    assert only_certification(alice).input_hash == digest


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"output_content": ""}, "output_content"),
        ({"llm_provider": ""}, "This is required."),
        ({"model_name": "x" * 256}, "characters"),
        ({"input": None}, "Give the input, or its SHA-256."),
        ({"input": None, "input_hash": "abc"}, "This does not have the right form."),
        ({"input_hash": "0" * 64}, "input_hash"),
        ({"governance_policy_id": "0199aaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa"}, "There is no active policy with this id."),
        ({"parent_certification_id": "0199aaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa"}, "There is no certification with this id"),
        ({"change_summary": "a\x07b"}, "Control characters cannot be used here."),
    ],
)
def test_what_cannot_be_certified_is_refused_in_words(door, alice, changed, wrong):
    answer = door(alice).request_certification(a_task(alice).id, **fields(alice, **changed))
    assert answer.status_code == 422
    assert wrong in answer.text
    assert alice.sees(list_certifications, CertificationFilters(), Paging()).rows == []
    assert waiting_jobs(alice) == []


@pytest.mark.parametrize("door", ["form", "htmx"], indirect=True)
def test_text_that_is_not_the_json_it_claims_to_be_is_refused(door, alice):
    given = {"format": "json", "output_content": '{"a": 1, "a": 2}'}
    answer = door(alice).request_certification(a_task(alice).id, **fields(alice, **given))
    assert answer.status_code == 422
    assert "This is not JSON" in answer.text


def test_the_policy_of_another_organisation_is_not_to_be_had(door, alice, mallory):
    theirs = mallory.organisation.policies["general"]
    answer = door(alice).request_certification(a_task(alice).id, **fields(alice, governance_policy_id=theirs))
    assert answer.status_code == 422


def test_a_task_in_the_trash_takes_no_output(door, alice):
    task = a_task(alice)
    door(alice).delete_task(task.id)
    assert door(alice).request_certification(task.id, **fields(alice)).status_code == 404


def test_a_viewer_cannot_have_anything_certified(door, alice, carol):
    assert door(carol).request_certification(a_task(alice).id, **fields(carol)).status_code == 403


def test_a_stranger_finds_no_task_to_certify_on(door, alice, mallory):
    assert door(mallory).request_certification(a_task(alice).id, **fields(mallory)).status_code == 404


def test_a_correction_is_the_next_version_of_the_same_output(door, alice):
    task = a_task(alice)
    first = a_certification(alice, task_id=task.id)
    given = {"parent_certification_id": first, "change_summary": "Says the price"}
    assert went_well(door(alice).request_certification(task.id, **fields(alice, **given)))
    newest, oldest = alice.sees(list_versions, alice.certification(first))
    assert (newest.version_number, newest.parent_certification_id, newest.change_summary) == (
        2,
        first,
        "Says the price",
    )
    assert (oldest.version_number, oldest.certification_id, oldest.parent_certification_id) == (1, first, None)
    assert alice.certification(newest.certification_id).supersedes_id == first


def test_only_the_newest_version_can_be_corrected(door, alice):
    task = a_task(alice)
    first = a_certification(alice, task_id=task.id)
    second = a_certification(alice, task_id=task.id, parent_certification_id=first)
    answer = door(alice).request_certification(task.id, **fields(alice, parent_certification_id=first))
    assert answer.status_code == 409
    assert "There is a newer version of this output already." in answer.text
    assert went_well(door(alice).request_certification(task.id, **fields(alice, parent_certification_id=second)))


def test_a_version_without_a_verdict_cannot_be_corrected(door, alice):
    task = a_task(alice)
    first = a_certification(alice, task_id=task.id, settled=False)
    answer = door(alice).request_certification(task.id, **fields(alice, parent_certification_id=first))
    assert answer.status_code == 409
    settle(alice)
    assert len(alice.sees(list_versions, alice.certification(first))) == 1


def test_a_correction_stays_with_its_task(door, alice):
    first = a_certification(alice, task_id=a_task(alice).id)
    answer = door(alice).request_certification(a_task(alice).id, **fields(alice, parent_certification_id=first))
    assert answer.status_code == 422
    assert "This certification belongs to another task." in answer.text


def test_a_correction_of_what_a_stranger_certified_is_refused(door, alice, mallory):
    first = a_certification(alice)
    task = a_task(mallory)
    answer = door(mallory).request_certification(task.id, **fields(mallory, parent_certification_id=first))
    assert answer.status_code == 422
    assert "There is no certification with this id." in answer.text
