"""The history of a task, read from the audit trail."""

from __future__ import annotations

import pytest

from app.core import sealing, tenancy
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import NotFound
from app.queries.history import task_history
from app.queries.task_comments import list_comments
from tests.cast import afresh
from tests.factories import a_program, a_task
from tests.trail import audit_rows


def erase(player, subject):
    """Destroy the key of a record, as an erasure will."""
    with tenancy.entered(db.session, player.organisation.id):
        sealing.erase(player.organisation.id, subject)
        db.session.commit()
    afresh()


@pytest.fixture
def task(alice, bob, form):
    """A task to which everything has happened that can."""
    made = a_task(alice, a_program(alice, key="OPS"), name="Feed the cat")
    door = form(alice)
    door.update_task(made.id, name="Feed both cats", estimate_minutes=15)
    door.assign_task(made.id, user_id=bob.user_id)
    form(bob).move_task(made.id, state="doing")
    form(bob).comment_on_task(made.id, body="They are *hungry*.")
    door.unassign_task(made.id, bob.user_id)
    return made


def test_everything_that_happened_is_there_newest_first(alice, bob, task):
    events = alice.sees(task_history, task.id).rows
    assert [(event.event_type, event.actor_name) for event in events] == [
        ("task.unassigned", "Alice"),
        ("task_comment.created", "Bob"),
        ("task.moved", "Bob"),
        ("task.assigned", "Alice"),
        ("task.updated", "Alice"),
        ("task.created", "Alice"),
    ]
    assert events[3].facts == {"user_id": bob.user_id}
    assert events[2].facts == {"from_state": "todo", "to_state": "doing"}


def test_sealed_words_are_opened_for_those_who_may_see_the_task(carol, task):
    events = carol.sees(task_history, task.id).rows
    changes = {change.field: (change.before, change.after) for change in events[4].changes}
    assert changes == {"name": ("Feed the cat", "Feed both cats"), "estimate_minutes": (None, 15)}
    assert {change.field: change.after for change in events[1].changes}["body"] == "They are *hungry*."


def test_the_trail_itself_holds_them_sealed_only(task):
    rows = str(audit_rows(task))
    assert "sealed" in rows
    assert "Feed" not in rows


def test_after_its_key_is_erased_nobody_can_read_them_and_the_events_stay(alice, task):
    before = audit_rows(task)
    erase(alice, f"task:{task.id}")
    events = alice.sees(task_history, task.id).rows
    assert len(events) == 6
    changes = {change.field: (change.before, change.after) for change in events[4].changes}
    assert changes == {"name": (None, None), "estimate_minutes": (None, 15)}
    assert audit_rows(task) == before


def test_a_comment_has_a_key_of_its_own(alice, task):
    (comment,) = alice.sees(list_comments, task.id).rows
    erase(alice, f"task_comment:{comment.id}")
    events = alice.sees(task_history, task.id).rows
    assert {change.field: change.after for change in events[1].changes}["body"] is None
    assert events[4].changes[0].after == "Feed both cats"


def test_a_page_of_history_reads_like_a_story(form, alice, task):
    shown = form(alice).get(f"/tasks/{task.id}/history").text
    for sentence in (
        "made this task",
        "changed the name and the estimate",
        "put Bob on it",
        "moved it from To do to Doing",
        "commented",
        "took Bob off it",
    ):
        assert sentence in shown
    assert "<del>Feed the cat</del>" in shown
    assert "<ins>Feed both cats</ins>" in shown


def test_a_page_of_history_stands_after_an_erasure(form, alice, task):
    erase(alice, f"task:{task.id}")
    answer = form(alice).get(f"/tasks/{task.id}/history")
    assert answer.status_code == 200
    assert "Feed the cat" not in answer.text


def test_who_may_not_see_tasks_sees_no_history(alice, task):
    blind = Actor(tenant=alice.actor.tenant, permissions=frozenset(), user_id=alice.user_id)
    with tenancy.entered(db.session, alice.organisation.id), pytest.raises(NotFound):
        task_history(blind, task.id)


def test_a_stranger_sees_no_history(door, mallory, task):
    assert mallory.sees(task_history, task.id).rows == []
    assert door(mallory).get(f"/tasks/{task.id}/history").status_code == 404


def test_what_happens_elsewhere_is_not_in_it(alice, form, task):
    other = a_task(alice)
    form(alice).comment_on_task(other.id, body="Elsewhere")
    assert len(alice.sees(task_history, task.id).rows) == 6
