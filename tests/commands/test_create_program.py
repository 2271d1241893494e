"""Making programs."""

from __future__ import annotations

import pytest

from app.core.paging import Paging
from app.queries.programs import list_programs
from tests.doors import went_well
from tests.trail import audit_rows, audit_trail


def test_a_new_program_is_in_the_list_and_in_the_trail(door, alice):
    assert went_well(door(alice).create_program(key="ops", name="  Operations ", description="Keep it *running*."))
    (row,) = alice.sees(list_programs, Paging()).rows
    assert (row.key, row.name, row.description, row.open_tasks) == ("OPS", "Operations", "Keep it *running*.", 0)
    program = alice.program(row.id)
    assert program.version == 1
    assert audit_trail(program) == ["program.created"]


def test_the_trail_says_who_made_it_and_from_where_but_seals_what_is_personal(door, bob):
    door(bob).create_program(key="SEC", name="Secrets", description="Anna Schmidt is on leave.")
    (row,) = bob.sees(list_programs, Paging()).rows
    (event,) = audit_rows(bob.program(row.id))
    assert (event.action, event.actor_user_id, event.entity_type) == ("create", bob.user_id, "Program")
    assert event.application_instance_id == bob.organisation.id
    assert event.before_state is None
    assert event.after_state["name"] == "Secrets"
    assert set(event.after_state["description"]) == {"sealed"}
    assert str(event.actor_ip_address) == "127.0.0.0/24"
    assert event.metadata["via"] in ("session", "api_key")
    assert "127.0.0.1" not in str(event)
    assert "Schmidt" not in str(event)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("", "This is required."),
        ("O", "A key has 2 to 10 letters and digits"),
        ("1OPS", "A key has 2 to 10 letters and digits"),
        ("TOO-LONG", "A key has 2 to 10 letters and digits"),
        ("ELEVENCHARS", "A key has 2 to 10 letters and digits"),
        ("ÖPS", "A key has 2 to 10 letters and digits"),
    ],
)
def test_a_key_that_cannot_start_a_number_is_refused(door, alice, key, wrong):
    answer = door(alice).create_program(key=key, name="Operations")
    assert answer.status_code == 422
    assert wrong.removeprefix("This is required.") in answer.text
    assert alice.sees(list_programs, Paging()).rows == []


def test_every_mistake_is_named_at_once(door, alice):
    answer = door(alice).create_program(key="!", name="x" * 201)
    assert answer.status_code == 422
    assert "A key has 2 to 10 letters and digits" in answer.text
    assert "at most 200 characters" in answer.text


def test_a_key_that_is_taken_is_refused_in_words(door, alice):
    door(alice).create_program(key="OPS", name="Operations")
    answer = door(alice).create_program(key="ops", name="Other operations")
    assert answer.status_code == 422
    assert "Another program has this key" in answer.text
    assert [row.name for row in alice.sees(list_programs, Paging()).rows] == ["Operations"]


def test_a_key_stays_taken_while_its_program_is_in_the_trash(door, alice):
    door(alice).create_program(key="OPS", name="Operations")
    (row,) = alice.sees(list_programs, Paging()).rows
    door(alice).delete_program(row.id)
    assert door(alice).create_program(key="OPS", name="Other operations").status_code == 422


def test_two_organisations_may_use_the_same_key(door, alice, mallory):
    assert went_well(door(alice).create_program(key="OPS", name="Operations"))
    assert went_well(door(mallory).create_program(key="OPS", name="Operations"))
    assert len(mallory.sees(list_programs, Paging()).rows) == 1


def test_a_viewer_cannot_make_a_program(door, carol):
    assert door(carol).create_program(key="OPS", name="Operations").status_code == 403
    assert carol.sees(list_programs, Paging()).rows == []
