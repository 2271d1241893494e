"""Giving a task to somebody from where it is seen: a board, a list, a program. What dragging does, forms do."""

from __future__ import annotations

import re
from html import unescape

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task, unassign_task
from app.commands.tasks import delete_task, move_task
from app.commands.users import deactivate_user
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment, Move
from tests import cast
from tests.doors import ORIGIN, messages, toasts
from tests.factories import a_program, a_task

ACTION = re.compile(r'action="([^"]*/assignment(?:\?[^"]*)?)"')
HANDLE = re.compile(r'<(?:li|tr)[^>]*data-may="([^"]*)"')
HAND = re.compile(r'data-person-here="(\d+)"')


@pytest.fixture
def program(alice):
    return a_program(alice, name="Spring")


@pytest.fixture
def task(alice, program):
    return a_task(alice, program)


@pytest.fixture
def board(alice, program):
    return f"/o/{alice.organisation.slug}/programs/{program.id}/board"


def test_a_card_leads_to_a_form_that_leads_back_to_the_board(form, alice, bob, program, task, board):
    browser = form(alice)
    page = browser.get(f"/programs/{program.id}/board").text
    way = f"/tasks/{task.id}/assignment?back={board}"
    assert f'href="/o/{alice.organisation.slug}{way}"' in page
    asked = browser.get(way).text
    assert f'action="/o/{alice.organisation.slug}{way}"' in asked
    assert f'<option value="{bob.user_id}">Bob</option>' in asked
    given = browser.post(way, user_id=bob.user_id)
    assert (given.status_code, given.location) == (303, board)
    assert f"Bob is on {program.key}-1." in browser.get(f"/programs/{program.id}/board").text
    assert f'<option value="{bob.user_id}"' not in browser.get(way).text, "who is on it cannot be chosen again"


def test_a_row_leads_to_a_form_that_leads_back_to_wherever_it_stood(form, alice, bob, program, task):
    browser, way = form(alice), f"/tasks/{task.id}/assignment"
    for place in ("/tasks?state=todo&q=a", f"/programs/{program.id}", "/w?p=tasks"):
        assert f'href="{browser.at(way)}"' in browser.get(place).text
        asked = browser.get(way, headers={"Referer": f"http://localhost{browser.at(place)}"})
        given = browser.client.post(
            unescape(ACTION.search(asked.text)[1]), data={"user_id": bob.user_id}, headers=ORIGIN
        )
        assert (given.status_code, given.location) == (303, browser.at(place))
        unassign_task(alice.actor, task.id, bob.user_id)
    theirs = "https://evil.example/o/acme/tasks", "http://localhost/o/another/tasks", "http://localhost/account"
    for odd in (*theirs, f"http://localhost{browser.at(f'/tasks/{task.id}/deletion')}"):
        asked = browser.get(way, headers={"Referer": odd}).text
        assert ACTION.search(asked)[1] == browser.at(way)


def test_who_may_not_see_who_works_here_finds_their_tasks_and_chooses_nobody(form, acme, alice, program, task):
    own = ("program.view_own", "task.view_own", "task.assign")
    role = create_access_role(alice.actor, NewAccessRole(name="Freelancer", permissions=own))
    dora = cast.join(acme, "dora")
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role.id, user_id=dora.user_id))
    assign_task(alice.actor, task.id, Assignment(user_id=dora.user_id))
    for address in ("/tasks", f"/tasks/{task.id}", f"/tasks/{task.id}/assignment"):
        page = form(dora).get(address)
        assert (page.status_code, task.name in page.text) == (200, True)
        assert "Bob" not in page.text


def test_a_drop_is_only_told_what_it_has_done_and_how_to_take_it_back(htmx, alice, bob, program, task, board):
    browser = htmx(alice)
    given = browser.post(f"/tasks/{task.id}/assignment?back={board}", user_id=bob.user_id)
    assert (given.status_code, given.data) == (204, b"")
    assert toasts(given) == [f"Bob is on {program.key}-1."]
    assert [each.user_id for each in alice.task(task.id).assignments] == [bob.user_id]
    undo = messages(given)[0]["undo"]["url"]
    assert undo.endswith(f"/tasks/{task.id}/assignment/{bob.user_id}/deletion?back={board}")
    taken = browser.post(undo.removeprefix(f"/o/{alice.organisation.slug}"))
    assert (taken.status_code, toasts(taken)) == (204, [f"Bob is no longer on {program.key}-1."])
    assert not alice.task(task.id).assignments


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/o/another/tasks", "/account", "board"])
def test_nobody_is_led_out_of_the_organisation(form, alice, bob, task, back):
    given = form(alice).post(f"/tasks/{task.id}/assignment?back={back}", user_id=bob.user_id)
    assert given.location == f"/o/{alice.organisation.slug}/tasks/{task.id}"


def test_what_may_not_be_is_said_and_nothing_happens(htmx, acme, alice, carol, mallory, task, board):
    gone = cast.join(acme, "dora")
    deactivate_user(alice.actor, gone.user_id)
    way = f"/tasks/{task.id}/assignment?back={board}"
    assert htmx(carol).get(way).status_code == 403
    for player, person, status, words in (
        (carol, carol, 403, "You may not do this"),
        (alice, gone, 422, "Nobody with this id works here."),
        (alice, mallory, 422, "Nobody with this id works here."),
        (mallory, mallory, 404, "Nothing to see here"),
    ):
        refused = htmx(player).post(way, user_id=person.user_id)
        assert refused.status_code == status
        assert words in refused.text
        assert "data-error" in refused.text, "a script finds the words to show"
    assert not alice.task(task.id).assignments
    delete_task(alice.actor, task.id)
    assert htmx(alice).post(way, user_id=alice.user_id).status_code == 404


def test_a_row_that_was_moved_meanwhile_is_not_put_elsewhere(htmx, alice, task):
    move_task(alice.actor, task.id, Move(state="doing"))
    refused = htmx(alice).post(f"/tasks/{task.id}/place", state="cancelled", after="", version=1)
    assert refused.status_code == 409
    assert alice.task(task.id).state.key == "doing"


def test_handles_and_people_are_there_for_those_who_may_use_them(form, acme, alice, bob, carol, program, task):
    allowed = ("program.view", "task.view", "task.assign", "user.view")
    role = create_access_role(alice.actor, NewAccessRole(name="Dispatcher", permissions=allowed))
    dora = cast.join(acme, "dora")
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role.id, user_id=dora.user_id))
    for address in ("/tasks", f"/programs/{program.id}", f"/programs/{program.id}/board"):
        page = form(alice).get(address).text
        assert HANDLE.findall(page) == ["move assign"]
        assert HAND.findall(page)[0] == str(alice.user_id), "oneself is nearest"
        assert set(HAND.findall(page)) == {str(each.user_id) for each in (alice, bob, carol, dora)}
        assert HANDLE.findall(form(dora).get(address).text) == ["assign"]
        page = form(carol).get(address).text
        assert "data-grab" not in page
        assert not HANDLE.findall(page) or HANDLE.findall(page) == [""]
        assert not HAND.findall(page)
