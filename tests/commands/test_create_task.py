"""Making tasks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.commands.tasks import create_task
from app.core.database import fresh_session
from app.core.paging import Paging
from app.core.ranks import spread
from app.queries.tasks import TaskFilters, list_tasks
from app.schemas.tasks import NewTask
from tests.doors import went_well
from tests.factories import a_program
from tests.trail import audit_rows, audit_trail


def test_a_new_task_starts_in_the_first_state_under_the_next_number(door, alice):
    program = a_program(alice, key="OPS", name="Operations")
    door(alice).create_task(program_id=program.id, name="Feed the cat", estimate_minutes=10)
    door(alice).create_task(program_id=program.id, name="Water the plants")
    rows = alice.sees(list_tasks, TaskFilters(), Paging()).rows
    assert [(row.number, row.name, row.state.key, row.estimate_minutes) for row in rows] == [
        ("OPS-2", "Water the plants", "todo", None),
        ("OPS-1", "Feed the cat", "todo", 10),
    ]
    assert audit_trail(rows[0]) == ["task.created"]


def test_what_is_in_a_task_is_sealed_in_the_trail(door, bob):
    door(bob).create_task(program_id=a_program(bob).id, name="Call Anna Schmidt", description="She is ill.")
    (row,) = bob.sees(list_tasks, TaskFilters(), Paging()).rows
    (event,) = audit_rows(row)
    assert (event.action, event.actor_user_id) == ("create", bob.user_id)
    assert set(event.after_state["name"]) == set(event.after_state["description"]) == {"sealed"}
    assert event.after_state["program_id"] == str(row.program_id)
    assert "Schmidt" not in str(event)


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("name", "", "This is required."),
        ("name", "   ", "This is required."),
        ("name", "x" * 201, "at most 200 characters"),
        ("name", "two\nlines", "Control characters and line breaks"),
        ("description", "x" * 20_001, "at most 20,000 characters"),
        ("estimate_minutes", -1, "This must be"),
        ("estimate_minutes", 1_000_001, "This must be 1,000,000 or less."),
        ("program_id", "not-an-id", "This is not an id."),
        ("program_id", "0199aaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa", "There is no such program."),
    ],
)
def test_what_cannot_be_a_task_is_refused_in_words(door, alice, field, value, wrong):
    program = a_program(alice)
    answer = door(alice).create_task(**{"program_id": program.id, "name": "Feed the cat", field: value})
    assert answer.status_code == 422
    assert wrong in answer.text
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []


def test_a_refused_task_takes_no_number(door, alice):
    program = a_program(alice, key="OPS")
    door(alice).create_task(program_id=program.id, name="")
    door(alice).create_task(program_id=program.id, name="Feed the cat")
    assert [row.number for row in alice.sees(list_tasks, TaskFilters(), Paging()).rows] == ["OPS-1"]


def test_a_member_can_make_a_task(door, alice, bob):
    assert went_well(door(bob).create_task(program_id=a_program(alice).id, name="Feed the cat"))


def test_a_viewer_cannot_make_a_task(door, alice, carol):
    program = a_program(alice)
    assert door(carol).create_task(program_id=program.id, name="Not mine to make").status_code == 403
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []


def test_a_task_cannot_be_made_in_a_program_of_another_organisation(door, alice, mallory):
    program, _own = a_program(alice), a_program(mallory)
    answer = door(mallory).create_task(program_id=program.id, name="Intruder")
    assert answer.status_code == 422
    assert "There is no such program." in answer.text
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows == []


def test_tasks_made_at_once_never_share_a_number_or_a_place(web_app, alice):
    program_id = a_program(alice).id

    def make(number: int) -> tuple[int, str]:
        with web_app.app_context(), fresh_session():
            task = create_task(alice.actor, NewTask(program_id=program_id, name=f"Task {number}"))
            return task.number, task.rank

    with ThreadPoolExecutor(8) as pool:
        made = sorted(pool.map(make, range(24)))
    assert [number for number, _rank in made] == list(range(1, 25))
    assert [rank for _number, rank in made] == list(spread(24))


def test_the_answer_is_what_whoever_asks_for_the_task_reads(api, alice):
    """It is put together out of what was written: byte for byte as it is read, and so when the request comes again."""
    told = {"program_id": str(a_program(alice).id), "name": "Feed the cat", "description": "Twice\n\na **day**"}
    for body in (told, told | {"estimate_minutes": 10}):
        made, again = (api(alice).send("POST", "/tasks", body, Idempotency_Key=f"k{len(body)}") for _time in range(2))
        read = api(alice).get(f"/tasks/{made.json['data']['id']}")
        assert [each.data.partition(b',"meta":')[0] for each in (made, again)] == [
            read.data.partition(b',"meta":')[0]
        ] * 2
        assert made.headers["ETag"] == again.headers["ETag"] == read.headers["ETag"]
