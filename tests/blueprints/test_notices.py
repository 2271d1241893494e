"""What a change has come to is said once, to whom it was made for, and nothing is written to have it said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from app.core import clock
from app.core.database import db
from tests.factories import a_program, a_task

SAID = "notice--said"


@pytest.fixture
def task(alice):
    return a_task(alice, a_program(alice), name="Draft 🖋 the letter")


@pytest.fixture
def told(form, alice, task):
    """A browser that has just sent a comment, and the page that it is sent to."""
    door = form(alice)
    answer = door.comment_on_task(task.id, body="Nearly.")
    assert answer.status_code == 303
    return door.client, answer.headers["Location"]


def test_it_is_said_by_the_page_that_follows_and_not_again(told):
    client, there = told
    first, second = client.get(there), client.get(there)
    assert first.text.count(SAID) == 1
    assert first.headers["Cache-Control"] == "no-store"
    assert SAID not in second.text


def test_no_session_is_written_for_it(form, alice, task, app):
    door, seen = form(alice), []
    door.get(f"/tasks/{task.id}")

    def note(_conn, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        there = door.comment_on_task(task.id, body="Nearly.").headers["Location"]
        assert SAID in door.client.get(there).text
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert any("INSERT INTO task_comments" in each for each in seen)
    assert not [each for each in seen if "user_sessions" in each and not each.startswith(("SELECT", "WITH"))]


def test_it_is_not_kept_for_later(told):
    client, there = told
    with clock.stopped(clock.now() + timedelta(minutes=3)):
        assert SAID not in client.get(there).text


def test_it_cannot_be_read_or_made_up(told):
    client, there = told
    (kept,) = [each for each in client._cookies.values() if each.key == "notice"]
    assert "Draft" not in kept.value
    assert kept.http_only
    for forged in (kept.value[:-2] + ("AA" if kept.value[-2:] != "AA" else "BB"), "v1.x.y", "", "{}"):
        client.set_cookie("notice", forged)
        assert SAID not in client.get(there).text


def test_somebody_else_in_the_same_browser_is_not_told(told, form, bob):
    client, there = told
    (kept,) = [each for each in client._cookies.values() if each.key == "notice"]
    other = form(bob).client
    other.set_cookie("notice", kept.value)
    answer = other.get(there)
    assert answer.status_code == 200
    assert SAID not in answer.text
