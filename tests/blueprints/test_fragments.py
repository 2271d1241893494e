"""A fragment is the part of a page that it replaces: one element, the same id, the same content."""

from __future__ import annotations

import pytest

from tests.factories import a_certification, a_program, a_task
from tests.markup import fragment, page

LISTS = {
    "/tasks": "task-list",
    "/programs": "program-list",
    "/certifications": "certification-list",
    "/api-keys": "api-key-list",
    "/policies": "policy-list",
    "/roles": "role-list",
    "/trash": "trash-list",
}


@pytest.fixture
def things(alice, form):
    program = a_program(alice)
    task = a_task(alice, program)
    form(alice).comment_on_task(task.id, body="It *purrs*.")
    return {"program": program.id, "task": task.id, "certification": a_certification(alice, task_id=task.id)}


def test_the_fragment_of_a_page_is_the_part_that_stands_in_it(form, htmx, alice, things):
    addresses = {
        **LISTS,
        "/tasks?q=nothing+like+it": "task-list",
        "/certifications?status=revoked": "certification-list",
        "/tasks/{task}": "task-{task}",
        "/tasks/{task}/history": "history-task-{task}",
        "/programs/{program}": "program-{program}",
        "/certifications/{certification}": "certification-{certification}",
        "/programs/new": "program-form",
        "/tasks/new": "task-form",
        "/tasks/{task}/certifications/new": "certification-form",
    }
    for address, name in addresses.items():
        path, expected = address.format(**things), name.format(**things)
        whole, part = form(alice).get(path), htmx(alice).get(path)
        assert part.status_code == 200, path
        root = fragment(part)
        assert root["id"] == expected, path
        assert root.html == page(whole).by_id(expected).html, path
        for answer in (whole, part):
            assert "HX-Request-Type" in answer.headers["Vary"], path


def act(door, things, alice):
    """Every action that is done in place, with the id of what it brings back."""
    task = things["task"]
    yield door.assign_task(task, user_id=alice.user_id), f"task-{task}"
    yield door.unassign_task(task, alice.user_id), f"task-{task}"
    yield door.move_task(task, state="doing"), f"task-{task}"
    yield door.comment_on_task(task, body="Nearly."), f"comments-task-{task}"


def test_an_action_in_place_brings_back_what_the_page_shows_now(form, htmx, alice, things):
    for answer, name in act(htmx(alice), things, alice):
        assert answer.status_code == 200, name
        root = fragment(answer)
        assert root["id"] == name
        assert root.html == page(form(alice).get(f"/tasks/{things['task']}")).by_id(name).html


def test_verifying_in_place_brings_back_the_checks(form, htmx, alice, things):
    name = f"checks-certification-{things['certification']}"
    shown = page(form(alice).get(f"/certifications/{things['certification']}")).by_id(name)
    root = fragment(htmx(alice).verify_certification(things["certification"]))
    assert (root.tag, root["id"]) == (shown.tag, name)
    whole = page(form(alice).verify_certification(things["certification"])).by_id(name)
    assert root.html == whole.html
    assert "Valid: every required check passed" in root.text


def test_the_forms_of_an_action_say_what_is_replaced(form, alice, things):
    """htmx takes the nearest hx-target: the root of the fragment that the answer is."""
    shown = page(form(alice).get(f"/tasks/{things['task']}"))
    task = shown.by_id(f"task-{things['task']}")
    assert task["hx-target:inherited"] == "this"
    sent = [each for each in task.all("form") if "hx-post" in each.attributes]
    assert {each["hx-post"].rsplit("/", 1)[1] for each in sent} == {"move", "comments", "assignment"}
    assert all(each["hx-post"] == each["action"] for each in sent)


def test_a_refused_comment_comes_back_in_its_own_place(htmx, alice, things):
    answer = htmx(alice).comment_on_task(things["task"], body="")
    assert answer.status_code == 422
    root = fragment(answer)
    assert root["id"] == f"comments-task-{things['task']}"
    assert root.by_id("f-body")["aria-invalid"] == "true"


@pytest.mark.parametrize(
    ("refuse", "status", "told"),
    [
        (
            lambda door, things: door.retry_certification(things["certification"]),
            409,
            "Only a certification that failed",
        ),
        (
            lambda door, things: door.assign_task(things["task"], user_id=1 << 50),
            422,
            "Nobody with this id works here.",
        ),
        (lambda door, things: door.delete_program(things["task"]), 404, "There is nothing here that you may see."),
    ],
)
def test_a_refusal_is_a_fragment_with_a_sentence(htmx, alice, things, refuse, status, told):
    answer = refuse(htmx(alice), things)
    assert answer.status_code == status
    root = fragment(answer)
    assert root["id"] == "error"
    assert told in root.text


def test_going_back_in_history_brings_the_whole_page(htmx, alice, things):
    answer = htmx(alice).get(f"/tasks/{things['task']}", headers={"HX-History-Restore-Request": "true"})
    assert page(answer).by_id("main")


def test_somebody_signed_out_is_sent_to_sign_in_and_not_into_the_fragment(web_app, htmx, alice, things):
    door = htmx(alice)
    answer = web_app.test_client().get(
        door.at(f"/tasks/{things['task']}"), headers=door.headers | {"HX-Request": "true"}
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=")
    assert answer.data == b""
