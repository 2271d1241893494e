"""Moving tasks along their workflow."""

from __future__ import annotations

import html

import pytest

from app.commands.tasks import move_task
from app.core.errors import InvalidTransition
from app.models.workflows import BUILT_IN_STATES, BUILT_IN_TRANSITIONS
from app.schemas.tasks import Move
from tests.doors import toasts, went_well
from tests.factories import a_task
from tests.trail import audit_rows, audit_trail

KEYS = [key for key, _name, _group in BUILT_IN_STATES]
WAYS = {key: {to for start, to in BUILT_IN_TRANSITIONS if start == key} for key in KEYS}
ROUTES = {
    "todo": [],
    "doing": ["doing"],
    "review": ["doing", "review"],
    "done": ["doing", "review", "done"],
    "cancelled": ["cancelled"],
}


def test_a_task_moves_to_done_step_by_step(door, alice):
    task = a_task(alice)
    for state in ("doing", "review", "done"):
        assert went_well(door(alice).move_task(task.id, state=state))
    now = alice.task(task.id)
    assert (now.state.key, now.state.name, now.state.group) == ("done", "Done", "done")
    assert audit_trail(task) == ["task.created", "task.moved", "task.moved", "task.moved"]
    facts = [event.metadata["facts"] for event in audit_rows(task)[1:]]
    assert facts[0] == {"from_state": "todo", "to_state": "doing"}
    assert facts[-1] == {"from_state": "review", "to_state": "done"}


def test_a_refused_move_says_why_and_where_it_can_go(door, alice):
    task = a_task(alice)
    answer = door(alice).move_task(task.id, state="done")
    assert answer.status_code == 409
    told = "A task that is in “To do” cannot go straight to “Done”. From there it can go to Doing or Cancelled."
    assert told in html.unescape(answer.text) or toasts(answer) == [told]
    assert alice.task(task.id).state.key == "todo"
    assert audit_trail(task) == ["task.created"]


@pytest.mark.parametrize("start", KEYS)
def test_from_each_state_exactly_the_ways_of_the_workflow_are_open(alice, start):
    for target in KEYS:
        task = a_task(alice)
        for step in ROUTES[start]:
            move_task(alice.actor, task.id, Move(state=step))
        if target in WAYS[start] | {start}:
            move_task(alice.actor, task.id, Move(state=target))
        else:
            with pytest.raises(InvalidTransition):
                move_task(alice.actor, task.id, Move(state=target))


def test_moving_to_where_it_is_changes_nothing(door, alice):
    task = a_task(alice)
    assert went_well(door(alice).move_task(task.id, state="todo"))
    assert alice.task(task.id).version == 1
    assert audit_trail(task) == ["task.created"]


def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(door, alice):
    task = a_task(alice)
    answer = door(alice).move_task(task.id, state="paused")
    assert answer.status_code == 422
    assert "There are: todo, doing, review, done, cancelled." in answer.text


def test_a_move_from_an_old_page_is_stopped(door, alice, bob):
    task = a_task(alice)
    door(bob).move_task(task.id, state="doing", version=1)
    assert door(alice).move_task(task.id, state="cancelled", version=1).status_code == 409
    assert alice.task(task.id).state.key == "doing"


def test_a_viewer_cannot_move_a_task(door, alice, carol):
    task = a_task(alice)
    assert door(carol).move_task(task.id, state="doing").status_code == 403
    assert alice.task(task.id).state.key == "todo"


def test_a_stranger_finds_no_task_to_move(door, alice, mallory):
    task = a_task(alice)
    assert door(mallory).move_task(task.id, state="doing").status_code == 404
    assert alice.task(task.id).state.key == "todo"
