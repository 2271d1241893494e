"""The board of a program: columns by state, only what one may see, and moves that say what became of them."""

from __future__ import annotations

import re

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task
from app.commands.tasks import delete_task, move_task
from app.queries import boards
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment, Move
from tests import cast
from tests.doors import toasts
from tests.factories import a_program, a_task
from tests.markup import fragment, page

COUNT = re.compile(r'class="board__count">.*?</span>(\d+)</span>')
CARD = re.compile(r'data-number="([^"]+)"')


@pytest.fixture
def program(alice):
    return a_program(alice, name="Spring")


@pytest.fixture
def tasks(alice, program):
    return [a_task(alice, program, name=name).id for name in ("one", "two", "three", "four")]


def columns(page) -> dict[str, list[int]]:
    """The numbers of the cards in each column of a page, from the top."""
    parts = re.split(r'<ol [^>]*data-state="([^"]+)"', page.text)[1:]
    found = zip(parts[::2], parts[1::2], strict=True)
    return {state: [int(number.rpartition("-")[2]) for number in CARD.findall(part)] for state, part in found}


def board(door, player, program):
    answer = door(player).get(f"/programs/{program.id}/board")
    assert answer.status_code == 200
    return columns(answer)


def place(door, player, task_id, **fields):
    return door(player).post(f"/tasks/{task_id}/place", **fields)


def test_each_state_is_a_column_and_each_task_a_card_in_its_order(form, alice, program, tasks):
    move_task(alice.actor, tasks[1], Move(state="doing"))
    move_task(alice.actor, tasks[3], Move(after=None))
    delete_task(alice.actor, tasks[2])
    a_task(alice, name="in another program")
    shown = board(form, alice, program)
    assert shown == {"todo": [4, 1], "doing": [2], "review": [], "done": [], "cancelled": []}


def test_a_move_answers_with_the_board_as_it_is(form, htmx, alice, program, tasks):
    moved = place(htmx, alice, tasks[2], state="doing", after="")
    assert columns(moved) == {"todo": [1, 2, 4], "doing": [3], "review": [], "done": [], "cancelled": []}
    assert toasts(moved) == [f"{program.key}-3 is now in “Doing”."]
    assert columns(place(htmx, alice, tasks[3], after=tasks[0]))["todo"] == [1, 4, 2]
    plain = place(form, alice, tasks[0], after=tasks[1])
    assert (plain.status_code, plain.location.rpartition("/o/")[2].partition("/")[2]) == (
        303,
        f"programs/{program.id}/board",
    )
    assert board(form, alice, program)["todo"] == [4, 2, 1]


def test_a_refused_move_is_explained_and_the_board_shows_what_is_true(form, htmx, alice, program, tasks):
    told = "A task that is in “To do” cannot go straight to “Done”. From there it can go to Doing or Cancelled."
    refused = place(htmx, alice, tasks[0], state="done", after="")
    assert (refused.status_code, toasts(refused)) == (409, [told])
    assert columns(refused)["todo"] == [1, 2, 3, 4]
    browser = form(alice)
    assert browser.post(f"/tasks/{tasks[0]}/place", state="done").status_code == 303
    assert told in browser.get(f"/programs/{program.id}/board").text


def test_a_place_that_there_is_not_is_explained_too(htmx, alice, mallory, program, tasks):
    for after in (a_task(mallory).id, tasks[0]):
        refused = place(htmx, alice, tasks[0], after=after)
        assert refused.status_code == 422
        assert columns(refused)["todo"] == [1, 2, 3, 4]
        assert toasts(refused)[0] in (
            "There is no such task in this program.",
            "A task cannot come after itself.",
        )


def test_who_may_only_look_has_nothing_to_move_with(form, htmx, carol, program, tasks):
    page = form(carol).get(f"/programs/{program.id}/board")
    assert columns(page)["todo"] == [1, 2, 3, 4]
    assert "data-grab" not in page.text
    assert "/place" not in page.text
    assert place(htmx, carol, tasks[0], after="").status_code == 403


def test_only_what_somebody_may_see_is_a_card_and_is_counted(form, htmx, acme, alice, program, tasks):
    own = ("program.view_own", "task.view_own", "task.move")
    role = create_access_role(alice.actor, NewAccessRole(name="Freelancer", permissions=own))
    dora = cast.join(acme, "dora")
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role.id, user_id=dora.user_id))
    for task_id in (tasks[1], tasks[3]):
        assign_task(alice.actor, task_id, Assignment(user_id=dora.user_id))
    page = form(dora).get(f"/programs/{program.id}/board")
    assert columns(page)["todo"] == [2, 4]
    assert COUNT.findall(page.text) == ["2", "0", "0", "0", "0"]
    listed = form(dora).get("/tasks")  # where there are no people and programs to choose from, as dora may see none
    assert (listed.status_code, "three" in page.text, "three" in listed.text) == (200, False, False)
    assert f"/tasks/{tasks[1]}" in listed.text and "by-assignee" not in listed.text
    assert columns(place(htmx, dora, tasks[3], after=tasks[1]))["todo"] == [2, 4]
    assert columns(place(htmx, dora, tasks[3], after=""))["todo"] == [4, 2]
    assert board(form, alice, program)["todo"] == [4, 1, 2, 3]


def test_a_board_of_another_organisation_is_not_there(form, mallory, program):
    assert form(mallory).get(f"/programs/{program.id}/board").status_code == 404


def test_a_full_column_shows_its_first_cards_and_where_the_others_are(form, htmx, alice, program, tasks, monkeypatch):
    monkeypatch.setattr(boards, "MOST_CARDS", 3)
    page = form(alice).get(f"/programs/{program.id}/board")
    assert columns(page)["todo"] == [1, 2, 3]
    assert "1 more in the list" in page.text
    assert f"/tasks?program={program.id}&amp;state=todo" in page.text
    assert columns(place(htmx, alice, tasks[0], step="bottom"))["todo"] == [2, 3, 4]
    assert columns(place(htmx, alice, tasks[0], step="up"))["todo"] == [2, 3, 1], "below what was shown, not at its end"


def test_a_card_goes_by_steps_among_those_that_its_reader_sees(htmx, alice, program, tasks):
    hidden = a_task(alice, program)
    delete_task(alice.actor, hidden.id)
    one, two, three, four = tasks
    nowhere = [(one, "up"), (one, "top"), (four, "down"), (four, "bottom")]
    steps = [*((*step, [1, 2, 3, 4]) for step in nowhere), (one, "down", [2, 1, 3, 4]), (one, "bottom", [2, 3, 4, 1])]
    steps += [(three, "up", [3, 2, 4, 1]), (two, "top", [2, 3, 4, 1]), (one, "up", [2, 3, 1, 4])]
    for task_id, step, order in steps:
        assert columns(place(htmx, alice, task_id, step=step))["todo"] == order, (task_id, step)
    assert place(htmx, alice, one, step="sideways").status_code == 422


def test_the_card_of_a_task_is_as_it_lies_on_the_board(form, htmx, alice, carol, mallory, program, tasks):
    for player in (alice, carol):
        whole = form(player).get(f"/programs/{program.id}/board")
        for task_id in tasks:
            part = htmx(player).get(f"/tasks/{task_id}/card")
            assert (part.status_code, "HX-Request-Type" in part.headers["Vary"]) == (200, True)
            assert fragment(part).html == page(whole).by_id(f"task-{task_id}").html
    delete_task(alice.actor, tasks[0])
    assert form(alice).get(f"/tasks/{tasks[0]}/card").status_code == 404
    assert form(mallory).get(f"/tasks/{tasks[1]}/card").status_code == 404


def test_a_program_without_tasks_says_what_a_board_is(form, alice, carol, program):
    assert "Each state has a column here" in form(alice).get(f"/programs/{program.id}/board").text
    assert "No tasks in this program" in form(carol).get(f"/programs/{program.id}/board").text


def test_program_and_board_lead_to_each_other(form, alice, program):
    assert f"/programs/{program.id}/board" in form(alice).get(f"/programs/{program.id}").text
    assert f'/programs/{program.id}"' in form(alice).get(f"/programs/{program.id}/board").text
