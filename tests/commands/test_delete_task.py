"""Putting tasks in the trash."""

from __future__ import annotations

from app.core.paging import Paging
from app.queries.tasks import TaskFilters, list_tasks
from app.queries.trash import deleted_tasks
from tests.doors import went_well
from tests.factories import a_program, a_task
from tests.trail import audit_rows, audit_trail


def test_a_deleted_task_is_in_the_trash_and_nowhere_else(door, alice):
    task = a_task(alice, a_program(alice, key="OPS"))
    assert went_well(door(alice).delete_task(task.id))
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []
    assert door(alice).get(f"/tasks/{task.id}").status_code == 404
    (row,) = alice.sees(deleted_tasks)
    assert (row.number, row.name, row.deleted_by_name) == ("OPS-1", "Water the plants", "Alice")
    assert audit_trail(task) == ["task.created", "task.deleted"]
    event = audit_rows(task)[-1]
    assert (event.action, list(event.after_state)) == ("delete", ["deleted_at"])


def test_nothing_can_be_done_with_it(door, alice):
    task = a_task(alice)
    door(alice).delete_task(task.id)
    assert door(alice).update_task(task.id, name="Still here?").status_code == 404
    assert door(alice).move_task(task.id, state="doing").status_code == 404
    assert door(alice).assign_task(task.id, user_id=alice.user_id).status_code == 404
    assert door(alice).comment_on_task(task.id, body="Still here?").status_code == 404
    assert door(alice).delete_task(task.id).status_code == 404
    assert audit_trail(task) == ["task.created", "task.deleted"]


def test_its_number_is_given_to_no_other(door, alice):
    program = a_program(alice, key="OPS")
    door(alice).delete_task(a_task(alice, program).id)
    assert a_task(alice, program).number == 2


def test_a_viewer_cannot_delete_a_task(door, alice, carol):
    task = a_task(alice)
    assert door(carol).delete_task(task.id).status_code == 403
    assert alice.task(task.id).deleted_at is None


def test_a_stranger_finds_no_task_to_delete(door, alice, mallory):
    task = a_task(alice)
    assert door(mallory).delete_task(task.id).status_code == 404
    assert alice.task(task.id).deleted_at is None
