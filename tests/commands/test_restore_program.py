"""Bringing programs back from the trash."""

from __future__ import annotations

from app.core.paging import Paging
from app.queries.tasks import TaskFilters, list_tasks
from app.queries.trash import deleted_programs
from tests.doors import went_well
from tests.factories import a_program, a_task
from tests.trail import audit_trail


def test_a_program_comes_back_with_its_tasks(door, alice):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program, name="Water the plants")
    door(alice).delete_program(program.id)
    assert went_well(door(alice).restore_program(program.id))
    assert alice.program(program.id).deleted_at is None
    assert [row.number for row in alice.sees(list_tasks, TaskFilters(), Paging()).rows] == ["OPS-1"]
    assert alice.task(task.id).name == "Water the plants"
    assert alice.sees(deleted_programs) == []
    assert audit_trail(program) == ["program.created", "program.deleted", "program.restored"]


def test_a_task_that_was_deleted_by_itself_stays_in_the_trash(door, alice):
    program = a_program(alice)
    kept, gone = a_task(alice, program), a_task(alice, program)
    door(alice).delete_task(gone.id)
    door(alice).delete_program(program.id)
    door(alice).restore_program(program.id)
    assert [row.id for row in alice.sees(list_tasks, TaskFilters(), Paging()).rows] == [kept.id]


def test_numbers_go_on_where_they_were(door, alice):
    program = a_program(alice, key="OPS")
    a_task(alice, program)
    door(alice).delete_program(program.id)
    door(alice).restore_program(program.id)
    assert a_task(alice, program).number == 2


def test_what_is_not_in_the_trash_cannot_be_restored(door, alice):
    program = a_program(alice)
    assert door(alice).restore_program(program.id).status_code == 404
    assert audit_trail(program) == ["program.created"]


def test_a_member_cannot_restore_a_program(door, alice, bob):
    program = a_program(alice)
    door(alice).delete_program(program.id)
    assert door(bob).restore_program(program.id).status_code == 403
    assert len(alice.sees(deleted_programs)) == 1


def test_a_stranger_finds_nothing_to_restore(door, alice, mallory):
    program = a_program(alice)
    door(alice).delete_program(program.id)
    assert door(mallory).restore_program(program.id).status_code == 404
    assert len(alice.sees(deleted_programs)) == 1
