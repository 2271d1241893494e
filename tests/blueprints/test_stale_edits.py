"""Two people edit the same thing: the second is shown theirs and mine, and loses nothing."""

from __future__ import annotations

import pytest

from app.commands.programs import delete_program
from app.commands.tasks import delete_task
from tests.doors import ORIGIN
from tests.factories import a_certification, a_program, a_task
from tests.markup import page
from tests.trail import audit_trail


@pytest.fixture(params=["tasks", "programs"])
def thing(request, alice):
    """A task and a program in turn, each with its address."""
    given = {"name": "First words", "description": "First description"}
    made = a_task(alice, **given) if request.param == "tasks" else a_program(alice, **given)
    return made, f"/{request.param}/{made.id}", f"/{request.param}/{made.id}/edit"


def conflict_of(answer):
    """The table of differences: field, theirs, mine."""
    shown = page(answer).by_id("error-summary")
    return [(row.one("th").text, *(cell.text for cell in row.all("td"))) for row in shown.one("tbody").all("tr")]


def test_a_stale_form_shows_theirs_and_mine(form, alice, bob, thing):
    made, address, _edit = thing
    form(bob).post(address, name="Bob's words", description="First description", version=1)
    answer = form(alice).post(address, name="Alice's words", description="First description", version=1)
    assert answer.status_code == 409
    assert conflict_of(answer) == [("Name", "Bob's words", "Alice's words")]
    assert page(answer).by_id("error-summary")["role"] == "alert"
    assert [event for event in audit_trail(made) if event.endswith(".updated")] == [f"{made.kind}.updated"]


def test_the_form_below_holds_mine_and_saving_it_again_is_a_decision(form, alice, bob, thing):
    _made, address, edit = thing
    form(bob).post(address, name="Bob's words", description="Bob's description", version=1)
    answer = form(alice).post(address, name="Alice's words", description="Alice's description", version=1)
    (sent,) = [each for each in page(answer).all("form", method="post") if each["action"].endswith(address)]
    fields = {each["name"]: each["value"] for each in sent.all("input")}
    fields |= {each["name"]: each.text for each in sent.all("textarea")}
    assert (fields["name"], fields["description"], fields["version"]) == ("Alice's words", "Alice's description", "2")
    again = form(alice).client.post(sent["action"], data=fields, headers=ORIGIN)
    assert again.status_code == 303
    shown = page(form(alice).get(edit))
    assert shown.by_id("f-name")["value"] == "Alice's words"


def test_an_empty_value_is_a_value_too(form, alice, bob, thing):
    _made, address, _edit = thing
    form(bob).post(address, name="First words", description="", version=1)
    answer = form(alice).post(address, name="First words", description="Alice's description", version=1)
    assert conflict_of(answer) == [("Description", "–", "Alice's description")]


def test_an_edit_form_starts_from_the_newest_version(form, alice, thing):
    _made, address, edit = thing
    form(alice).post(address, name="Second words", description="", version=1)
    assert page(form(alice).get(edit)).one("input", name="version")["value"] == "2"


def test_a_stale_if_match_is_412_and_changes_nothing(api, alice, thing):
    made, address, _edit = thing
    api(alice).send("PATCH", address, {"name": "Second words"}, If_Match='"v1"')
    answer = api(alice).send("PATCH", address, {"name": "Third words"}, If_Match='"v1"')
    assert answer.status_code == 412
    assert answer.json["error"]["code"] == "VERSION_CONFLICT"
    now = api(alice).get(address)
    assert (now.json["data"]["name"], now.headers["ETag"]) == ("Second words", '"v2"')
    assert audit_trail(made).count(f"{made.kind}.updated") == 1


@pytest.mark.parametrize("tag", ['"v1"', "*", None])
def test_the_present_tag_any_tag_and_no_tag_let_pass(api, alice, thing, tag):
    _made, address, _edit = thing
    headers = {} if tag is None else {"If_Match": tag}
    answer = api(alice).send("PATCH", address, {"name": "Second words"}, **headers)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v2"')


def test_a_stale_version_in_the_body_is_409(api, alice, thing):
    _made, address, _edit = thing
    api(alice).send("PATCH", address, {"name": "Second words", "version": 1})
    answer = api(alice).send("PATCH", address, {"name": "Third words", "version": 1})
    assert answer.status_code == 409
    assert answer.json["error"]["code"] == "VERSION_CONFLICT"


def test_what_has_not_changed_is_not_sent_again(api, alice, thing):
    _made, address, _edit = thing
    tag = api(alice).get(address).headers["ETag"]
    answer = api(alice).get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    api(alice).send("PATCH", address, {"name": "Second words"})
    assert api(alice).get(address, headers={"If-None-Match": tag}).status_code == 200


def test_every_change_heeds_if_match(api, alice, bob):
    task = a_task(alice)
    certification_id = a_certification(alice)
    program = f"/programs/{task.program_id}"
    in_trash, empty = a_task(alice), a_program(alice)
    delete_task(alice.actor, in_trash.id)
    delete_program(alice.actor, empty.id)
    stale = '"v99"'
    for method, address, body in [
        ("POST", f"/tasks/{task.id}/workflow", {"state": "doing"}),
        ("POST", f"/tasks/{task.id}/assign", {"user_id": bob.user_id}),
        ("DELETE", f"/tasks/{task.id}/assign/{bob.user_id}", None),
        ("DELETE", f"/tasks/{task.id}", None),
        ("PATCH", program, {"name": "Other words"}),
        ("DELETE", program, None),
        ("POST", f"/tasks/{in_trash.id}/restore", None),
        ("POST", f"/programs/{empty.id}/restore", None),
        ("POST", f"/certifications/{certification_id}/revoke", {"reason": "The price was wrong."}),
        ("POST", f"/certifications/{certification_id}/retry", None),
    ]:
        answer = api(alice).send(method, address, body, If_Match=stale)
        assert (answer.status_code, answer.json["error"]["code"]) == (412, "VERSION_CONFLICT"), address
    assert audit_trail(task) == ["task.created"]
    assert alice.certification(certification_id).certification_status == "certified"
    task_now = api(alice).get(f"/tasks/{task.id}")
    moved = api(alice).send("POST", f"/tasks/{task.id}/workflow", {"state": "doing"}, If_Match=task_now.headers["ETag"])
    assert moved.status_code == 200
    assert api(alice).send("DELETE", f"/tasks/{task.id}", If_Match=moved.headers["ETag"]).status_code == 204


def test_nothing_is_no_name(api, alice, thing):
    _made, address, _edit = thing
    for field in ("name", "description"):
        answer = api(alice).send("PATCH", address, {field: None})
        assert answer.status_code == 422
        assert answer.json["error"]["details"] == [{"field": field, "message": "This must be text."}]
    assert api(alice).get(address).headers["ETag"] == '"v1"'
