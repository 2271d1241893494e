"""Changing tasks."""

from __future__ import annotations

import pytest

from app.queries.history import task_history
from tests.doors import went_well
from tests.factories import a_task
from tests.trail import audit_rows, audit_trail


def test_a_change_shows_and_the_trail_holds_what_changed_only(door, alice):
    task = a_task(alice, name="Feed the cat", description="Twice a day", estimate_minutes=10)
    assert went_well(door(alice).update_task(task.id, name="Feed both cats", estimate_minutes=15, version=1))
    now = alice.task(task.id)
    assert (now.name, now.description, now.estimate_minutes, now.version) == ("Feed both cats", "Twice a day", 15, 2)
    assert audit_trail(task) == ["task.created", "task.updated"]
    event = audit_rows(task)[-1]
    assert set(event.after_state) == set(event.before_state) == {"name", "estimate_minutes"}
    assert (event.before_state["estimate_minutes"], event.after_state["estimate_minutes"]) == (10, 15)
    assert "both cats" not in str(event)


def test_the_history_opens_what_the_trail_has_sealed(door, alice):
    task = a_task(alice, name="Feed the cat")
    door(alice).update_task(task.id, name="Feed both cats")
    (change,) = alice.sees(task_history, task.id).rows[0].changes
    assert (change.field, change.before, change.after) == ("name", "Feed the cat", "Feed both cats")


def test_description_and_estimate_can_be_taken_away(door, alice):
    task = a_task(alice, description="Twice a day", estimate_minutes=10)
    nothing = None if hasattr(door(alice), "send") else ""
    assert went_well(door(alice).update_task(task.id, description="", estimate_minutes=nothing))
    now = alice.task(task.id)
    assert (now.description, now.estimate_minutes) == ("", None)


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("name", "", "This is required."),
        ("name", "x" * 201, "at most 200 characters"),
        ("estimate_minutes", "soon", "This must be a whole number."),
        ("number", 7, "This field is not known here."),
        ("program_id", "0199aaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa", "This field is not known here."),
        ("version", 0, "This must be 1 or more."),
    ],
)
def test_what_cannot_be_saved_is_refused_in_words(door, alice, field, value, wrong):
    task = a_task(alice, name="Feed the cat")
    answer = door(alice).update_task(task.id, **{field: value})
    assert answer.status_code == 422
    assert wrong in answer.text or field in ("number", "program_id")
    assert alice.task(task.id).name == "Feed the cat"
    assert audit_trail(task) == ["task.created"]


def test_saving_without_a_change_leaves_no_trace(door, alice):
    task = a_task(alice, name="Feed the cat")
    assert went_well(door(alice).update_task(task.id, name="Feed the cat", version=1))
    assert alice.task(task.id).version == 1
    assert audit_trail(task) == ["task.created"]


def test_the_second_of_two_writers_is_stopped(door, alice, bob):
    task = a_task(alice)
    assert went_well(door(bob).update_task(task.id, name="Bob's words", version=1))
    answer = door(alice).update_task(task.id, name="Alice's words", version=1)
    assert answer.status_code == 409
    assert "Somebody else" in answer.text
    assert alice.task(task.id).name == "Bob's words"
    assert audit_trail(task) == ["task.created", "task.updated"]


def test_a_viewer_cannot_change_a_task(door, alice, carol):
    task = a_task(alice, name="Feed the cat")
    assert door(carol).update_task(task.id, name="Carol's words").status_code == 403
    assert alice.task(task.id).name == "Feed the cat"


def test_a_stranger_finds_no_task_to_change(door, alice, mallory):
    task = a_task(alice, name="Feed the cat")
    answer = door(mallory).update_task(task.id, name="Mallory's words")
    assert answer.status_code == 404
    assert "Feed the cat" not in answer.text
    assert alice.task(task.id).name == "Feed the cat"
