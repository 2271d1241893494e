"""Making tasks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.commands.tasks import create_task
from app.core.database import fresh_session
from app.core.paging import Paging
from app.queries.tasks import TaskFilters, list_tasks
from app.schemas.tasks import NewTask
from tests.factories import a_program


def test_a_new_task_starts_in_the_first_state_under_the_next_number(door, alice):
    program = a_program(alice, key="OPS", name="Operations")
    door(alice).create_task(program_id=program.id, name="Feed the cat", estimate_minutes=10)
    door(alice).create_task(program_id=program.id, name="Water the plants")
    rows = alice.sees(list_tasks, TaskFilters(), Paging()).rows
    assert [(row.number, row.name, row.state.key, row.estimate_minutes) for row in rows] == [
        ("OPS-2", "Water the plants", "todo", None),
        ("OPS-1", "Feed the cat", "todo", 10),
    ]


def test_a_viewer_cannot_make_a_task(door, alice, carol):
    program = a_program(alice)
    assert door(carol).create_task(program_id=program.id, name="Not mine to make").status_code == 403
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []


def test_a_task_cannot_be_made_in_a_program_of_another_organisation(door, alice, mallory):
    program = a_program(alice)
    answer = door(mallory).create_task(program_id=program.id, name="Intruder")
    assert answer.status_code == 422
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []


def test_tasks_made_at_once_never_share_a_number(web_app, alice):
    program_id = a_program(alice).id

    def make(number: int) -> int:
        with web_app.app_context(), fresh_session():
            return create_task(alice.actor, NewTask(program_id=program_id, name=f"Task {number}")).number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(make, range(24)))
    assert sorted(numbers) == list(range(1, 25))
