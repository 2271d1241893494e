"""Putting people on tasks."""

from __future__ import annotations

from tests.doors import went_well
from tests.factories import a_task
from tests.trail import audit_rows, audit_trail


def test_people_are_put_on_a_task_in_order(door, alice, bob):
    task = a_task(alice)
    assert went_well(door(alice).assign_task(task.id, user_id=bob.user_id))
    assert went_well(door(bob).assign_task(task.id, user_id=alice.user_id))
    assert alice.task(task.id).assignee_names == ["Bob", "Alice"]
    assert audit_trail(task) == ["task.created", "task.assigned", "task.assigned"]
    event = audit_rows(task)[1]
    assert event.metadata["facts"] == {"user_id": bob.user_id}
    assert event.actor_user_id == alice.user_id


def test_assigning_twice_is_assigning_once(door, alice):
    task = a_task(alice)
    door(alice).assign_task(task.id, user_id=alice.user_id)
    assert went_well(door(alice).assign_task(task.id, user_id=alice.user_id))
    assert alice.task(task.id).assignee_names == ["Alice"]
    assert audit_trail(task) == ["task.created", "task.assigned"]


def test_a_stranger_cannot_be_put_on_a_task(door, alice, mallory):
    task = a_task(alice)
    answer = door(alice).assign_task(task.id, user_id=mallory.user_id)
    nobody = door(alice).assign_task(task.id, user_id=2**50)
    assert answer.status_code == nobody.status_code == 422
    assert "Nobody with this id works here." in answer.text
    assert "Nobody with this id works here." in nobody.text
    assert alice.task(task.id).assignments == ()
    assert audit_trail(task) == ["task.created"]


def test_a_viewer_cannot_put_anybody_on_a_task(door, alice, carol):
    task = a_task(alice)
    assert door(carol).assign_task(task.id, user_id=carol.user_id).status_code == 403
    assert alice.task(task.id).assignments == ()


def test_a_stranger_finds_no_task_to_assign(door, alice, mallory):
    task = a_task(alice)
    assert door(mallory).assign_task(task.id, user_id=mallory.user_id).status_code == 404
    assert alice.task(task.id).assignments == ()
