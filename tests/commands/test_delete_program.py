"""Putting programs in the trash."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound
from app.core.paging import Paging
from app.queries.programs import list_programs, program_choices
from app.queries.tasks import TaskFilters, list_tasks
from app.queries.trash import deleted_programs, deleted_tasks
from tests.doors import went_well
from tests.factories import a_program, a_task
from tests.trail import audit_rows, audit_trail


def test_a_deleted_program_is_in_the_trash_and_nowhere_else(door, alice):
    program = a_program(alice, key="OPS")
    assert went_well(door(alice).delete_program(program.id))
    assert alice.sees(list_programs, Paging()).rows == []
    assert alice.sees(program_choices) == []
    with pytest.raises(NotFound):
        alice.program(program.id)
    (row,) = alice.sees(deleted_programs)
    assert (row.key, row.deleted_by_name) == ("OPS", "Alice")
    assert audit_trail(program) == ["program.created", "program.deleted"]
    event = audit_rows(program)[-1]
    assert event.action == "delete"
    assert list(event.after_state) == ["deleted_at"]


def test_its_tasks_go_out_of_sight_with_it(door, alice):
    program = a_program(alice)
    task = a_task(alice, program)
    door(alice).delete_program(program.id)
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []
    assert door(alice).get(f"/tasks/{task.id}").status_code == 404
    assert door(alice).update_task(task.id, name="Still here?").status_code == 404
    assert door(alice).move_task(task.id, state="doing").status_code == 404
    assert door(alice).comment_on_task(task.id, body="Still here?").status_code == 404
    assert door(alice).assign_task(task.id, user_id=alice.user_id).status_code == 404
    assert alice.sees(deleted_tasks) == []
    assert audit_trail(task) == ["task.created"]


def test_no_task_can_be_made_in_it(door, alice):
    program, _other = a_program(alice), a_program(alice)
    door(alice).delete_program(program.id)
    answer = door(alice).create_task(program_id=program.id, name="Too late")
    assert answer.status_code == 422
    assert "There is no such program." in answer.text


def test_deleting_it_again_finds_nothing(door, alice):
    program = a_program(alice)
    door(alice).delete_program(program.id)
    assert door(alice).delete_program(program.id).status_code == 404
    assert audit_trail(program) == ["program.created", "program.deleted"]


def test_a_member_cannot_delete_a_program(door, alice, bob):
    program = a_program(alice)
    assert door(bob).delete_program(program.id).status_code == 403
    assert alice.program(program.id).deleted_at is None


def test_a_stranger_finds_no_program_to_delete(door, alice, mallory):
    program = a_program(alice)
    assert door(mallory).delete_program(program.id).status_code == 404
    assert alice.program(program.id).deleted_at is None
