"""Lists of programs."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound
from app.core.paging import Paging
from app.queries.programs import count_tasks, get_deleted_program, list_programs, program_choices
from app.queries.users import list_people
from tests.factories import a_program, a_task


def test_programs_come_newest_first_with_their_open_and_finished_tasks(alice, form):
    empty, busy = a_program(alice, key="AAA"), a_program(alice, key="BBB")
    tasks = [a_task(alice, busy) for _each in range(4)]
    door = form(alice)
    door.move_task(tasks[0].id, state="doing")
    door.move_task(tasks[1].id, state="cancelled")
    door.delete_task(tasks[2].id)
    rows = alice.sees(list_programs, Paging()).rows
    assert [(row.key, row.open_tasks, row.done_tasks) for row in rows] == [("BBB", 2, 1), ("AAA", 0, 0)]
    assert alice.sees(count_tasks, busy.id) == 3
    assert alice.sees(count_tasks, empty.id) == 0


def test_a_menu_of_programs_is_by_name(alice):
    for name in ("Zoo", "Archive", "Mill"):
        a_program(alice, name=name)
    assert [row.name for row in alice.sees(program_choices)] == ["Archive", "Mill", "Zoo"]


def test_a_stranger_sees_none_of_them(alice, mallory):
    program = a_program(alice)
    a_task(alice, program)
    assert mallory.sees(list_programs, Paging()).rows == []
    assert mallory.sees(program_choices) == []
    assert mallory.sees(count_tasks, program.id) == 0


def test_only_what_is_in_the_trash_is_found_there(alice, form):
    program = a_program(alice)
    with pytest.raises(NotFound):
        alice.sees(get_deleted_program, program.id)
    form(alice).delete_program(program.id)
    assert alice.sees(get_deleted_program, program.id).deleted_by_user_id == alice.user_id


def test_people_are_by_name_and_of_one_organisation(alice, bob, carol, mallory):
    assert [row.name for row in alice.sees(list_people)] == ["Alice", "Bob", "Carol"]
    assert [row.name for row in mallory.sees(list_people)] == ["Mallory"]
