"""What is in the trash."""

from __future__ import annotations

from datetime import timedelta

from app.commands.programs import delete_program
from app.commands.tasks import delete_task
from app.core import clock
from app.queries.trash import deleted_programs, deleted_tasks
from tests.factories import a_program, a_task


def test_what_was_deleted_last_comes_first_with_who_did_it(alice, bob):
    program = a_program(alice, key="OPS")
    first, second = a_task(alice, program, name="First"), a_task(alice, program, name="Second")
    delete_task(bob.actor, second.id)
    with clock.stopped(clock.now() + timedelta(minutes=1)):
        delete_task(alice.actor, first.id)
    rows = alice.sees(deleted_tasks)
    assert [(row.number, row.name, row.deleted_by_name) for row in rows] == [
        ("OPS-1", "First", "Alice"),
        ("OPS-2", "Second", "Bob"),
    ]


def test_tasks_of_a_deleted_program_are_in_the_trash_with_it_and_not_beside_it(alice):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    delete_task(alice.actor, task.id)
    delete_program(alice.actor, program.id)
    assert [row.key for row in alice.sees(deleted_programs)] == ["OPS"]
    assert alice.sees(deleted_tasks) == []


def test_the_page_offers_to_restore_only_to_those_who_may(form, alice, bob, carol):
    program, other = a_program(alice, key="OPS"), a_program(alice, key="LAB")
    task = a_task(alice, other)
    delete_task(alice.actor, task.id)
    delete_program(alice.actor, program.id)
    restoring_a_program, restoring_a_task = f"/programs/{program.id}/restoration", f"/tasks/{task.id}/restoration"
    owner, member, viewer = (form(person).get("/trash").text for person in (alice, bob, carol))
    assert restoring_a_program in owner
    assert restoring_a_task in owner
    assert restoring_a_program not in member
    assert restoring_a_task in member
    assert "restoration" not in viewer
    assert "Water the plants" in viewer


def test_an_empty_trash_says_so(form, alice):
    assert "The trash is empty" in form(alice).get("/trash").text


def test_a_stranger_sees_nothing_in_it(alice, mallory):
    program, other = a_program(alice), a_program(alice)
    delete_task(alice.actor, a_task(alice, other).id)
    delete_program(alice.actor, program.id)
    assert mallory.sees(deleted_programs) == mallory.sees(deleted_tasks) == []
