"""Lists of certifications, their versions and their chain of custody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import NotFound
from app.core.paging import Paging
from app.queries.certifications import CertificationFilters, get_certification, list_certifications, list_versions
from app.queries.history import certification_events
from tests.factories import BOASTFUL, a_certification, a_program, a_task


def listed(player, **filters):
    return player.sees(list_certifications, CertificationFilters(**filters), Paging()).rows


def test_the_newest_comes_first_with_its_task_and_policy(alice):
    task = a_task(alice, a_program(alice, key="OPS"), name="Write the letter")
    on_task, alone = a_certification(alice, task_id=task.id), a_certification(alice, output_content=BOASTFUL)
    rows = listed(alice)
    assert [row.id for row in rows] == [alone, on_task]
    assert (rows[1].task_number, rows[1].task_name, rows[1].policy_name) == ("OPS-1", "Write the letter", "General")
    assert (rows[0].task_number, rows[0].certification_status) == (None, "rejected")
    assert not hasattr(rows[0], "output_content")


def test_status_and_task_narrow_it(alice, api):
    task = a_task(alice)
    good, bad = a_certification(alice, task_id=task.id), a_certification(alice, output_content=BOASTFUL)
    revoked, waiting = a_certification(alice), a_certification(alice, settled=False)
    api(alice).revoke_certification(revoked, reason="The price was wrong.")
    for status, found in (("certified", good), ("rejected", bad), ("revoked", revoked), ("pending", waiting)):
        assert [row.id for row in listed(alice, status=status)] == [found], status
    assert [row.id for row in listed(alice, task_id=task.id)] == [good]
    assert listed(alice, status="failed") == []


def test_a_certificate_expires_by_the_clock_and_by_nothing_else(api, alice):
    task = a_task(alice)
    made = alice.certification(a_certification(alice, task_id=task.id))
    with clock.stopped(made.expires_at - timedelta(seconds=1)):
        assert [row.certification_status for row in listed(alice)] == ["certified"]
        assert listed(alice, status="expired") == []
    with clock.stopped(made.expires_at):
        assert [row.certification_status for row in listed(alice)] == ["expired"]
        assert [row.id for row in listed(alice, status="expired")] == [made.id]
        assert listed(alice, status="certified") == []
        assert alice.task(task.id).certification_status == "expired"
        assert [row.certification_status for row in alice.sees(list_versions, made)] == ["expired"]
        one = api(alice).get(f"/certifications/{made.id}").json["data"]
        assert one["certification_status"] == "expired"
        verified = api(alice).verify_certification(made.id).json["data"]
        assert (verified["valid"], verified["authentic"]) == (False, True)
    assert alice.certification(made.id).certification_status == "certified"


def test_what_was_revoked_does_not_expire_on_top(api, alice):
    made = alice.certification(a_certification(alice))
    api(alice).revoke_certification(made.id, reason="The price was wrong.")
    with clock.stopped(made.expires_at + timedelta(days=1)):
        assert [row.certification_status for row in listed(alice)] == ["revoked"]


def test_a_task_in_the_trash_keeps_its_certificates_in_the_list(alice, form):
    task = a_task(alice)
    certification_id = a_certification(alice, task_id=task.id)
    form(alice).delete_task(task.id)
    assert [row.id for row in listed(alice)] == [certification_id]
    assert form(alice).get(f"/certifications/{certification_id}").status_code == 200


def test_the_chain_of_custody_is_told_from_its_beginning(alice):
    events = alice.sees(certification_events, a_certification(alice)).rows
    assert [(event.sequence, event.event_type, event.actor_name) for event in events] == [
        (1, "created", "Alice"),
        (2, "judged", None),
        (3, "signed", None),
        (4, "timestamped", None),
        (5, "certified", None),
    ]


def test_a_stranger_sees_none_of_it(alice, mallory):
    made = alice.certification(a_certification(alice))
    assert listed(mallory) == []
    assert mallory.sees(list_versions, made) == []
    assert mallory.sees(certification_events, made.id).rows == []
    with pytest.raises(NotFound):
        mallory.sees(get_certification, made.id)
