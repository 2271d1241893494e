"""Who has read certified content is written down."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock
from tests.factories import a_certification
from tests.trail import audit_rows, custody


def readings(certification_id, event="viewed"):
    return [entry.user_id for entry in custody(certification_id) if entry.event_type == event]


def test_reading_is_written_down_by_whichever_door(door, alice, bob):
    certification_id = a_certification(alice)
    assert door(bob).get(f"/certifications/{certification_id}").status_code == 200
    assert readings(certification_id) == [bob.user_id]
    event = audit_rows(alice.certification(certification_id))[-1]
    assert (event.event_type, event.action, event.after_state) == ("certification.viewed", "read", {})


def test_whoever_reloads_has_not_read_it_again(form, htmx, api, alice, bob):
    certification_id = a_certification(alice)
    for door in (form, htmx, api):
        for person in (alice, bob):
            door(person).get(f"/certifications/{certification_id}")
    assert readings(certification_id) == [alice.user_id, bob.user_id]


def test_after_a_quarter_of_an_hour_reading_is_reading_again(api, alice):
    certification_id = a_certification(alice)
    for minutes in (0, 14, 16):
        with clock.stopped(clock.now() + timedelta(minutes=minutes)):
            api(alice).get(f"/certifications/{certification_id}")
    assert readings(certification_id) == [alice.user_id] * 2


def test_taking_the_bundle_along_is_written_down_by_itself(door, alice):
    certification_id = a_certification(alice)
    for _again in range(2):
        assert door(alice).get(f"/certifications/{certification_id}/bundle").status_code == 200
    assert readings(certification_id, "downloaded") == [alice.user_id]


def test_lists_show_no_content_and_are_no_reading(door, alice):
    certification_id = a_certification(alice)
    door(alice).get("/certifications")
    door(alice).get(f"/certifications/{certification_id}/versions")
    door(alice).get(f"/certifications/{certification_id}/audit")
    assert readings(certification_id) == []


def test_a_reading_changes_nothing_of_the_certification(api, alice):
    certification_id = a_certification(alice)
    before = alice.certification(certification_id)
    tag = api(alice).get(f"/certifications/{certification_id}").headers["ETag"]
    assert tag == f'"v{before.version}"'
    assert alice.certification(certification_id).version == before.version


def test_a_stranger_reads_nothing_and_leaves_no_trace(door, alice, mallory):
    certification_id = a_certification(alice)
    assert door(mallory).get(f"/certifications/{certification_id}").status_code == 404
    assert mallory.user_id not in readings(certification_id)
