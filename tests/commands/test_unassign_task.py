"""Taking people off tasks."""

from __future__ import annotations

from tests.doors import went_well
from tests.factories import a_task
from tests.trail import audit_rows, audit_trail


def test_one_is_taken_off_and_the_other_stays(door, alice, bob):
    task = a_task(alice)
    for person in (alice, bob):
        door(alice).assign_task(task.id, user_id=person.user_id)
    assert went_well(door(alice).unassign_task(task.id, alice.user_id))
    assert alice.task(task.id).assignee_names == ["Bob"]
    assert audit_trail(task)[-1] == "task.unassigned"
    assert audit_rows(task)[-1].metadata["facts"] == {"user_id": alice.user_id}


def test_taking_off_somebody_who_is_not_on_it_changes_nothing(door, alice, bob):
    task = a_task(alice)
    assert went_well(door(alice).unassign_task(task.id, bob.user_id))
    assert audit_trail(task) == ["task.created"]


def test_a_viewer_cannot_take_anybody_off(door, alice, carol):
    task = a_task(alice)
    door(alice).assign_task(task.id, user_id=alice.user_id)
    assert door(carol).unassign_task(task.id, alice.user_id).status_code == 403
    assert alice.task(task.id).assignee_names == ["Alice"]


def test_a_stranger_finds_no_task_to_take_anybody_off(door, alice, mallory):
    task = a_task(alice)
    door(alice).assign_task(task.id, user_id=alice.user_id)
    assert door(mallory).unassign_task(task.id, alice.user_id).status_code == 404
    assert alice.task(task.id).assignee_names == ["Alice"]
