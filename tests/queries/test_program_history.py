"""The history of a program, read from the audit trail."""

from __future__ import annotations

import pytest

from tests.factories import a_program, a_task


@pytest.fixture
def program(alice, form):
    """A program to which everything has happened that can, and in which something has happened as well."""
    made = a_program(alice, key="OPS", name="Operations")
    door = form(alice)
    door.update_program(made.id, name="Client operations", description="In **plain** words.")
    door.delete_program(made.id)
    door.restore_program(made.id)
    a_task(alice, made)
    return made


def test_the_page_reads_like_a_story(form, carol, program):
    shown = form(carol).get(f"/programs/{program.id}/history").text
    for sentence in (
        "made this program",
        "changed the name and the description",
        "put it in the trash",
        "brought it back from the trash",
        "<del>Operations</del>",
        "<ins>Client operations</ins>",
    ):
        assert sentence in shown
    assert "made this task" not in shown


def test_the_api_tells_the_same_newest_first(api, carol, program):
    events = api(carol).get(f"/programs/{program.id}/history").json["data"]
    told = ["program.restored", "program.deleted", "program.updated", "program.created"]
    assert [event["event_type"] for event in events] == told
    changes = {change["field"]: change["after"] for change in events[2]["changes"]}
    assert changes == {"name": "Client operations", "description": "In **plain** words."}


def test_a_stranger_sees_no_history(door, mallory, program):
    assert door(mallory).get(f"/programs/{program.id}/history").status_code == 404


def test_a_program_leads_to_its_history(form, alice, program):
    assert f"/programs/{program.id}/history" in form(alice).get(f"/programs/{program.id}").text
