"""A page costs the same number of queries however much it shows, and no more than it did."""

from __future__ import annotations

import pytest

from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task
from app.commands.task_comments import comment_on_task
from app.commands.tasks import create_task
from app.core.ids import new_token
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment, NewComment, NewTask
from tests.factories import a_certification, a_grant, a_group, a_program, a_task

# The most that each may take. Three of them find out who asks, or four for a key; the others show something.
PAGES = {
    "/tasks?limit=200": 7,
    "/tasks/{task}": 8,
    "/tasks/{task}/history": 7,
    "/tasks/{task}/assignment": 5,
    "/programs?limit=200": 4,
    "/programs/{program}?limit=200": 8,  # what it lies in, and what lies in it; whom to give its tasks
    "/programs/{program}/board": 10,  # what it lies in; states, counts and cards; whom to give them
    "/programs/{program}/history": 6,
    "/programs/{program}/access": 9,  # what holds here, what may be given (2), to whom (2)
    "/tasks/{task}/access": 9,
    "/certifications?limit=200": 4,
    "/certifications/{certification}": 11,
    "/trash": 5,
    "/roles": 4,
    "/roles/{role}": 6,
    "/roles/{role}/edit": 6,
    "/access": 3,
    "/access?user_id={person}&permission=task.update&thing={task}": 12,  # the thing, its ways, who could help
    "/access?user_id={person}&permission=task.update": 7,
    "/api-keys?limit=200": 5,  # one asks whether this reading is noted already
}
API = {
    "/tasks?limit=200": 5,
    "/tasks/{task}": 5,
    "/tasks/{task}/comments": 6,
    "/programs?limit=200": 5,
    "/certifications?limit=200": 5,
    "/certifications/{certification}": 9,
    "/access-roles": 5,
}


@pytest.fixture
def things(alice, bob):
    program = a_program(alice)
    task = a_task(alice, program)
    more(alice, bob, program.id, task.id, 10)
    role = create_access_role(alice.actor, NewAccessRole(name="Clerk", permissions=("task.view",)))
    rows = {name: row.id for name, row in (("program", program), ("task", task), ("role", role))}
    return rows | {"certification": a_certification(alice, task_id=task.id), "person": bob.user_id}


def more(alice, bob, program_id, task_id, count):
    """More of everything that grows: tasks with people on them, comments, programs, certifications, grants, groups."""
    for number in range(count):
        new = NewTask(program_id=program_id, name=f"Task {number}")
        made = create_task(alice.actor, new)
        assign_task(alice.actor, made.id, Assignment(user_id=(alice, bob)[number % 2].user_id))
        if number % 5 == 0:
            comment_on_task(bob.actor, task_id, NewComment(body=f"Comment {number}"))
            a_certification(alice, task_id=made.id, settled=False)
            a_grant(alice, "reviewer", bob, program_id=a_program(alice).id)
            a_grant(alice, "reviewer", bob, task_id=made.id)
            a_group(alice.organisation, bob)
            alice.key_with("task.view")
            create_access_role(alice.actor, NewAccessRole(name=f"Role {new_token()}", permissions=("task.view",)))


def costs(door, paths, things, count_queries):
    addresses = {path: path.format(**things) for path in paths}

    def get(address):
        assert door.get(address).status_code == 200, address

    for address in addresses.values():
        get(address)  # the first time a use is noted, or a reading
    return {path: count_queries(lambda address=address: get(address)) for path, address in addresses.items()}


def test_six_times_as_much_costs_the_same(form, api, alice, bob, things, count_queries):
    before = costs(form(alice), PAGES, things, count_queries), costs(api(alice), API, things, count_queries)
    more(alice, bob, things["program"], things["task"], 50)
    after = costs(form(alice), PAGES, things, count_queries), costs(api(alice), API, things, count_queries)
    assert "Task 49" in form(alice).get("/tasks?limit=200").text
    assert after == before
    for counted, most in zip(after, (PAGES, API), strict=True):
        assert {path: count for path, count in counted.items() if count > most[path]} == {}
    assert after[0]["/tasks?limit=200"] <= 8


def test_a_fragment_costs_no_more_than_its_page(form, htmx, alice, things, count_queries):
    paths = ["/tasks?limit=200", "/tasks/{task}", "/certifications/{certification}"]
    page, part = (costs(door(alice), paths, things, count_queries) for door in (form, htmx))
    assert all(part[path] <= page[path] for path in paths)
