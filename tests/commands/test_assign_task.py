"""Putting people on tasks."""

from __future__ import annotations

import pytest

from app.commands.task_assignments import assign_task
from app.commands.users import deactivate_user
from app.schemas.tasks import Assignment
from tests.cast import afresh
from tests.doors import went_well
from tests.factories import a_task
from tests.markup import page
from tests.security.newcomers import newcomer
from tests.trail import as_superuser, audit_rows, audit_trail


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


@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_who_was_let_go_stays_on_a_task_and_is_marked_there(form, api, alice, how):
    dora = newcomer(alice.organisation)
    task = a_task(alice)
    for person in (dora, alice):
        assign_task(alice.actor, task.id, Assignment(user_id=person.user_id))
    assert "Deactivated" not in form(alice).get(f"/tasks/{task.id}").text
    let_go(alice, dora, how)
    people = page(form(alice).get(f"/tasks/{task.id}")).by_id(f"assignees-task-{task.id}").all("li")
    assert ["Deactivated" in each.text for each in people] == [True, False]
    told = api(alice).get(f"/tasks/{task.id}").json["data"]["assignments"]
    assert [(each["name"], each["active"]) for each in told] == [("Dora", False), ("Alice", True)]
    assert api(alice).get("/tasks").json["data"][0]["assignments"] == told
    assert cell(form(alice)) == "Alice +1"
    assert went_well(form(alice).unassign_task(task.id, alice.user_id))
    assert cell(form(alice)) == "Deactivated: Dora"


@pytest.mark.parametrize("how", ["here", "everywhere"])
def test_who_was_let_go_is_put_on_no_task(door, form, alice, how):
    dora = newcomer(alice.organisation)
    task = a_task(alice)
    let_go(alice, dora, how)
    assert "Dora" not in form(alice).get(f"/tasks/{task.id}").text
    answer = door(alice).assign_task(task.id, user_id=dora.user_id)
    assert answer.status_code == 422
    assert "Nobody with this id works here." in answer.text
    assert alice.task(task.id).assignments == ()


def let_go(player, person, how):
    """End the membership, or the account as a whole."""
    if how == "here":
        deactivate_user(player.actor, person.user_id)
    else:
        as_superuser("UPDATE users SET deactivated_at = now() WHERE user_id = %s RETURNING user_id", person.user_id)
    afresh()


def cell(pages):
    """Who does the first task, as the list says it."""
    row = page(pages.get("/tasks")).one("table").all("tr")[1]
    return row.all("td", class_="clip")[-1].text
