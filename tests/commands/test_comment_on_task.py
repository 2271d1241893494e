"""Saying something about a task."""

from __future__ import annotations

import pytest

from app.queries.task_comments import list_comments
from tests.doors import went_well
from tests.factories import a_task
from tests.trail import as_auditor


def comment_events(task):
    return as_auditor("SELECT * FROM audit.audit_events WHERE event_type = 'task_comment.created'"
                      " AND after_state ->> 'task_id' = %s ORDER BY id", str(task.id))  # fmt: skip


def test_comments_stand_in_the_order_in_which_they_were_made_newest_first(door, alice, bob):
    task = a_task(alice)
    assert went_well(door(alice).comment_on_task(task.id, body="Is it done?"))
    assert went_well(door(bob).comment_on_task(task.id, body="Nearly.\n\n- one cat\n- two bowls"))
    comments = alice.sees(list_comments, task.id).rows
    assert [(row.author_name, row.body) for row in comments] == [
        ("Bob", "Nearly.\n\n- one cat\n- two bowls"),
        ("Alice", "Is it done?"),
    ]


def test_the_trail_tells_of_a_comment_but_seals_its_words(door, bob):
    task = a_task(bob)
    door(bob).comment_on_task(task.id, body="Anna Schmidt is ill.")
    (event,) = comment_events(task)
    assert (event.entity_type, event.action, event.actor_user_id) == ("TaskComment", "create", bob.user_id)
    assert set(event.after_state["body"]) == {"sealed"}
    assert "Schmidt" not in str(event)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("", "This is required."),
        ("\n\n", "This is required."),
        ("x" * 20_001, "at most 20,000 characters"),
        ("a\x07b", "Control characters cannot be used here."),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(door, alice, body, wrong):
    task = a_task(alice)
    answer = door(alice).comment_on_task(task.id, body=body)
    assert answer.status_code == 422
    assert wrong in answer.text
    assert alice.sees(list_comments, task.id).rows == []


def test_a_viewer_cannot_comment(door, alice, carol):
    task = a_task(alice)
    assert door(carol).comment_on_task(task.id, body="May I?").status_code == 403
    assert alice.sees(list_comments, task.id).rows == []


def test_a_stranger_finds_no_task_to_comment_on(door, alice, mallory):
    task = a_task(alice)
    assert door(mallory).comment_on_task(task.id, body="Hello").status_code == 404
    assert alice.sees(list_comments, task.id).rows == []
