"""Changing programs."""

from __future__ import annotations

from tests.doors import went_well
from tests.factories import a_program
from tests.trail import audit_rows, audit_trail


def test_a_change_shows_and_is_in_the_trail_with_what_changed_only(door, alice):
    program = a_program(alice, name="Operations", description="Old words")
    assert went_well(door(alice).update_program(program.id, name="Operations 2027", version=1))
    now = alice.program(program.id)
    assert (now.name, now.description, now.version) == ("Operations 2027", "Old words", 2)
    assert audit_trail(program) == ["program.created", "program.updated"]
    event = audit_rows(program)[-1]
    assert (event.before_state, event.after_state) == ({"name": "Operations"}, {"name": "Operations 2027"})


def test_a_description_can_be_emptied(door, alice):
    program = a_program(alice, description="Old words")
    assert went_well(door(alice).update_program(program.id, description=""))
    assert alice.program(program.id).description == ""


def test_a_name_cannot_be_emptied(door, alice):
    program = a_program(alice, name="Operations")
    answer = door(alice).update_program(program.id, name="")
    assert answer.status_code == 422
    assert "This is required." in answer.text
    assert alice.program(program.id).name == "Operations"


def test_a_key_cannot_be_changed(door, alice):
    program = a_program(alice, key="OPS")
    answer = door(alice).update_program(program.id, key="NEW")
    assert answer.status_code == 422
    assert alice.program(program.id).key == "OPS"


def test_saving_without_a_change_leaves_no_trace(door, alice):
    program = a_program(alice, name="Operations")
    assert went_well(door(alice).update_program(program.id, name="Operations", version=1))
    assert audit_trail(program) == ["program.created"]
    assert alice.program(program.id).version == 1


def test_the_second_of_two_writers_is_stopped(door, alice, bob):
    program = a_program(alice, name="Operations")
    assert went_well(door(bob).update_program(program.id, name="Bob's name", version=1))
    assert door(alice).update_program(program.id, name="Alice's name", version=1).status_code == 409
    assert alice.program(program.id).name == "Bob's name"
    assert audit_trail(program) == ["program.created", "program.updated"]


def test_a_viewer_cannot_change_a_program(door, alice, carol):
    program = a_program(alice, name="Operations")
    assert door(carol).update_program(program.id, name="Carol's").status_code == 403
    assert alice.program(program.id).name == "Operations"


def test_a_stranger_finds_no_program_to_change(door, alice, mallory):
    program = a_program(alice, name="Operations")
    assert door(mallory).update_program(program.id, name="Mallory's").status_code == 404
    assert alice.program(program.id).name == "Operations"
