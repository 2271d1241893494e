"""Whoever did something is told that it was done, once, and is offered the way back where there is one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.commands import sessions
from app.commands.tasks import move_task
from app.core.actor import Visitor
from app.core.database import db
from app.models.user_sessions import UserSession
from app.schemas.tasks import Move
from app.web.stored_sessions import token_hash
from tests.doors import ORIGIN, messages, toasts
from tests.factories import a_certification, a_program, a_task
from tests.markup import fragment, page

BOOSTED = {"HX-Request": "true", "HX-Request-Type": "full", "Accept": "text/html"}


def notices(answer: Any) -> list[str]:
    """What stands on the page instead."""
    return [each.text for each in page(answer).all("div", class_="notice--said")]


@pytest.fixture(params=["form", "htmx"])
def said(request, form, htmx):
    """What a person is told who has sent a form, without a script and with one."""
    door = {"form": form, "htmx": htmx}[request.param]

    def tell(player, path, **fields):
        sender = door(player)
        answer = sender.post(path, **fields)
        if answer.status_code == 200:
            return toasts(answer)
        assert answer.status_code == 303
        follow = {"headers": BOOSTED} if request.param == "htmx" else {}
        shown = sender.client.get(answer.location, **follow)
        assert shown.headers["Cache-Control"] == "no-store"
        assert "ETag" not in shown.headers
        again = sender.client.get(answer.location, **follow)
        assert (toasts(again), notices(again)) == ([], []), "It is said once."
        if request.param == "form":
            assert toasts(shown) == []
            return [text.removesuffix(" Undo") for text in notices(shown)]
        assert notices(shown) == []
        return toasts(shown)

    return tell


def test_making_and_changing_is_confirmed(said, alice):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    assert said(alice, "/programs", key="NEW", name="New") == ["Program created."]
    assert said(alice, f"/programs/{program.id}", name="Newer") == ["Changes saved."]
    assert said(alice, "/tasks", program_id=program.id, name="New") == ["Task created."]
    assert said(alice, f"/tasks/{task.id}", name="Newer") == ["Changes saved."]


def test_what_happens_to_a_task_is_confirmed_by_its_number(said, alice, bob):
    task = a_task(alice, a_program(alice, key="OPS"))
    assert said(alice, f"/tasks/{task.id}/move", state="doing") == ["OPS-1 is now in “Doing”."]
    assert said(alice, f"/tasks/{task.id}/assignment", user_id=bob.user_id) == ["Bob is on OPS-1."]
    assert said(alice, f"/tasks/{task.id}/assignment/{bob.user_id}/deletion") == ["Bob is no longer on OPS-1."]
    assert said(alice, f"/tasks/{task.id}/comments", body="Nearly.") == ["Comment added."]
    assert said(alice, f"/tasks/{task.id}/deletion") == ["OPS-1 is in the trash."]
    assert said(alice, f"/tasks/{task.id}/restoration") == ["Task restored from the trash."]


def test_what_happens_to_a_program_is_confirmed_by_its_key(said, alice):
    program = a_program(alice, key="OPS")
    assert said(alice, f"/programs/{program.id}/deletion") == ["Program OPS is in the trash, with its tasks."]
    assert said(alice, f"/programs/{program.id}/restoration") == ["Program restored from the trash, with its tasks."]


def test_revoking_is_confirmed(said, alice):
    certification = a_certification(alice)
    assert said(alice, f"/certifications/{certification}/revocation", reason="Wrong.") == ["Certificate revoked."]


@pytest.mark.parametrize("kind", ["tasks", "programs"])
def test_what_was_put_in_the_trash_comes_back_by_undo(form, alice, kind):
    thing = a_task(alice) if kind == "tasks" else a_program(alice)
    sender = form(alice)
    shown = sender.client.get(sender.post(f"/{kind}/{thing.id}/deletion").location)
    undo = page(shown).one("div", class_="notice--said").one("form", method="post")
    sender.client.post(undo["action"], headers=ORIGIN)
    assert (alice.task if kind == "tasks" else alice.program)(thing.id).deleted_at is None


def test_taking_somebody_off_and_putting_them_on_undo_each_other(htmx, alice, bob):
    task = a_task(alice)
    sender = htmx(alice)
    (put_on,) = messages(sender.post(f"/tasks/{task.id}/assignment", user_id=bob.user_id))
    (taken_off,) = messages(sender.client.post(put_on["undo"]["url"], headers=ORIGIN | sender.headers))
    assert alice.task(task.id).assignee_names == []
    undo = taken_off["undo"]
    sender.client.post(undo["url"], data=undo["fields"], headers=ORIGIN | sender.headers)
    assert alice.task(task.id).assignee_names == ["Bob"]


def test_a_message_says_any_name_as_it_is(htmx, alice):
    task = a_task(alice, a_program(alice, key="OPS"))
    answer = htmx(alice).post(f"/tasks/{task.id}/move", state="doing")
    assert answer.headers["HX-Trigger"].isascii()
    assert toasts(answer) == ["OPS-1 is now in “Doing”."]


def test_a_session_that_ends_between_doing_and_telling_stays_ended(form, alice):
    """Storing a message must not bring back a session that was ended in the meantime."""
    cookie = token_hash(alice.cookie)
    session_id = db.session.scalar(select(UserSession.id).where(UserSession.token_hash == cookie))
    sessions.end_session(Visitor(), session_id)
    sessions.update_session(Visitor(), session_id, {"_user_id": str(alice.user_id)})
    assert db.session.scalar(select(UserSession).where(UserSession.token_hash == cookie)) is None
    assert form(alice).get("/tasks").status_code == 303


def stale(alice):
    """A task that was moved on while somebody looked at it."""
    task = a_task(alice)
    for state in ("doing", "review", "done"):
        move_task(alice.actor, task.id, Move(state=state))
    return task


@pytest.mark.parametrize("given", [{"state": "review"}, {"state": "doing", "version": 1}])
def test_a_refused_move_leads_back_to_the_task(form, alice, given):
    task = stale(alice)
    answer = form(alice).post(f"/tasks/{task.id}/move", **given)
    assert answer.status_code == 409
    (back,) = [each for each in page(answer).all("a") if each.text == "Back to the task"]
    assert back["href"] == form(alice).at(f"/tasks/{task.id}")


def test_a_move_that_htmx_is_refused_shows_the_task_as_it_is_now_and_why(htmx, alice):
    task = stale(alice)
    answer = htmx(alice).post(f"/tasks/{task.id}/move", state="review", version=1)
    assert answer.status_code == 409
    assert fragment(answer).by_id(f"state-task-{task.id}").one("summary").text.startswith("State: Done")
    (told,) = messages(answer)
    assert (told["tone"], told["text"]) == ("danger", "Somebody else has changed this in the meantime.")


@pytest.mark.parametrize(
    ("referrer", "leads"),
    [
        ("http://localhost{home}/trash", "{home}/trash"),
        ("http://localhost{home}/tasks?q=x", "{home}/tasks?q=x"),
        ("http://localhost{home}/tasks/0198c0de-0000-7000-8000-000000000000/move", None),
        ("http://elsewhere.example{home}/trash", None),
        ("http://localhost//elsewhere.example/trash", None),
        ("http://localhost/sign-in", None),
    ],
)
def test_the_way_back_is_the_page_one_came_from_if_it_is_one_of_ours(form, alice, referrer, leads):
    task = stale(alice)
    sender = form(alice)
    home = sender.at("")
    headers = ORIGIN | {"Referer": referrer.format(home=home)}
    answer = sender.client.post(sender.at(f"/tasks/{task.id}/move"), data={"state": "review"}, headers=headers)
    found = {each["href"]: each.text for each in page(answer).all("a") if each.text.startswith("Back")}
    expected = {leads.format(home=home): "Back"} if leads else {f"{home}/tasks/{task.id}": "Back to the task"}
    assert found == expected
