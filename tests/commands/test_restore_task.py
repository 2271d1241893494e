"""Bringing tasks back from the trash."""

from __future__ import annotations

from app.queries.task_comments import list_comments
from app.queries.trash import deleted_tasks
from tests.doors import went_well
from tests.factories import a_program, a_task
from tests.trail import audit_trail


def test_a_task_comes_back_as_it_was(door, alice, bob):
    task = a_task(alice, a_program(alice, key="OPS"), estimate_minutes=10)
    door(alice).move_task(task.id, state="doing")
    door(alice).assign_task(task.id, user_id=bob.user_id)
    door(bob).comment_on_task(task.id, body="Nearly.")
    door(alice).delete_task(task.id)
    assert went_well(door(bob).restore_task(task.id))
    now = alice.task(task.id)
    assert (now.number, now.state.key, now.assignee_names, now.estimate_minutes) == ("OPS-1", "doing", ["Bob"], 10)
    assert [row.body for row in alice.sees(list_comments, task.id).rows] == ["Nearly."]
    assert alice.sees(deleted_tasks) == []
    assert audit_trail(task)[-2:] == ["task.deleted", "task.restored"]


def test_what_is_not_in_the_trash_cannot_be_restored(door, alice):
    task = a_task(alice)
    assert door(alice).restore_task(task.id).status_code == 404
    assert audit_trail(task) == ["task.created"]


def test_a_task_cannot_come_back_before_its_program(door, alice):
    program = a_program(alice)
    task = a_task(alice, program)
    door(alice).delete_task(task.id)
    door(alice).delete_program(program.id)
    answer = door(alice).restore_task(task.id)
    assert answer.status_code == 409
    assert "Restore its program first." in answer.text
    assert audit_trail(task) == ["task.created", "task.deleted"]
    door(alice).restore_program(program.id)
    assert went_well(door(alice).restore_task(task.id))
    assert alice.task(task.id).deleted_at is None


def test_a_viewer_cannot_restore_a_task(door, alice, carol):
    task = a_task(alice)
    door(alice).delete_task(task.id)
    assert door(carol).restore_task(task.id).status_code == 403
    assert len(alice.sees(deleted_tasks)) == 1


def test_a_stranger_finds_nothing_to_restore(door, alice, mallory):
    task = a_task(alice)
    door(alice).delete_task(task.id)
    assert door(mallory).restore_task(task.id).status_code == 404
    assert len(alice.sees(deleted_tasks)) == 1
