"""Programs in programs: put there on the form, found from each other's pages, moved by who may give roles there."""

from __future__ import annotations

import pytest

from app.commands.programs import delete_program
from tests.cast import afresh, join, play
from tests.factories import a_grant, a_program
from tests.markup import page


@pytest.fixture
def tree(alice):
    """Clients > Letters > Spring, and Website beside them."""
    clients = a_program(alice, name="Clients")
    letters = a_program(alice, name="Letters", parent_id=clients.id)
    return {
        "clients": clients,
        "letters": letters,
        "spring": a_program(alice, name="Spring", parent_id=letters.id),
        "website": a_program(alice, name="Website"),
    }


def leader_of(alice, *programs):
    heidi = join(alice.organisation, "heidi")
    for program in programs:
        a_grant(alice, "manager", heidi, program_id=program.id)
    return play(alice.organisation, "heidi")


def offered(answer, field="parent_id"):
    found = [each for each in page(answer).all("select") if each["name"] == field]
    return [each.text for select in found for each in select.all("option")]


def test_a_page_leads_to_the_programs_above_and_below(form, alice, tree):
    shown = page(form(alice).get(f"/programs/{tree['letters'].id}"))
    links = [each.text for each in shown.by_id("main").all("a")]
    assert links.index("Programs") < links.index("Clients") < links.index("Spring")
    assert "Website" not in links


def test_what_lies_in_the_trash_is_not_led_to(form, alice, tree):
    delete_program(alice.actor, tree["spring"].id)
    delete_program(alice.actor, tree["clients"].id)
    afresh()
    links = [each.text for each in page(form(alice).get(f"/programs/{tree['letters'].id}")).by_id("main").all("a")]
    assert "Clients" not in links and "Spring" not in links
    answer = form(alice).get(f"/programs/{tree['letters'].id}/edit")
    assert "Clients" in offered(answer), "else saving the form would move it unasked"


def test_a_program_is_made_in_another(form, alice, tree):
    door = form(alice)
    assert offered(door.get(f"/programs/new?parent={tree['letters'].id}"))[0] == "No other program"
    door.create_program(key="NEW", name="New", parent_id=tree["letters"].id)
    assert "New" in door.get(f"/programs/{tree['letters'].id}").text


def test_a_program_is_moved_and_put_on_its_own_again(form, alice, tree):
    letters = tree["letters"].id
    assert offered(form(alice).get(f"/programs/{letters}/edit")) == ["No other program", "Clients", "Website"]
    form(alice).update_program(letters, name="Letters", parent_id=tree["website"].id)
    assert alice.program(letters).parent_id == tree["website"].id
    form(alice).update_program(letters, name="Letters")
    assert alice.program(letters).parent_id == tree["website"].id, "what is not on the form stays"
    form(alice).update_program(letters, name="Letters", parent_id="")
    assert alice.program(letters).parent_id is None


def test_a_program_is_put_into_none_that_lies_in_it(form, alice, tree):
    answer = form(alice).update_program(tree["clients"].id, name="Clients", parent_id=tree["spring"].id)
    assert answer.status_code == 422
    assert "A program cannot lie in itself" in answer.text
    assert alice.program(tree["clients"].id).parent_id is None


def test_who_may_not_give_roles_sees_no_field_and_moves_nothing(form, alice, bob, tree):
    letters = tree["letters"].id
    assert offered(form(bob).get(f"/programs/{letters}/edit")) == []
    answer = form(bob).update_program(letters, name="Letters", parent_id=tree["website"].id)
    assert answer.status_code == 403
    assert "Your roles do not let you put it there" in answer.text
    assert alice.program(letters).parent_id == tree["clients"].id
    form(bob).update_program(letters, name="Notes")
    assert alice.program(letters).name == "Notes"


def test_who_leads_one_program_moves_within_it_only(form, alice, tree):
    door = form(leader_of(alice, tree["clients"]))
    assert offered(door.get(f"/programs/{tree['spring'].id}/edit")) == ["Clients", "Letters"]
    assert offered(door.get(f"/programs/{tree['clients'].id}/edit")) == []
    for elsewhere in ("", tree["website"].id):
        answer = door.update_program(tree["spring"].id, name="Spring", parent_id=elsewhere)
        assert answer.status_code in (403, 422)
        assert alice.program(tree["spring"].id).parent_id == tree["letters"].id
    assert door.update_program(tree["spring"].id, name="Spring", parent_id=tree["clients"].id).status_code == 303
    assert alice.program(tree["spring"].id).parent_id == tree["clients"].id


def test_who_works_in_one_program_makes_others_in_it_only(form, alice, tree):
    door = form(leader_of(alice, tree["letters"]))
    assert offered(door.get("/programs/new")) == ["Letters", "Spring"]
    alone = door.create_program(key="NEW", name="New")
    assert alone.status_code == 403
    assert "Choose a program in which you may make another." in alone.text
    assert door.create_program(key="NEW", name="New", parent_id=tree["letters"].id).status_code == 303


def test_the_second_of_two_who_move_sees_where_it_lies_now(form, alice, tree):
    letters = tree["letters"].id
    form(alice).update_program(letters, name="Letters", parent_id=tree["website"].id, version=1)
    answer = form(alice).update_program(letters, name="Letters", parent_id=tree["clients"].id, version=1)
    assert answer.status_code == 409
    told = [each.text for each in page(answer).all("td")]
    assert told == ["Website", "Clients"]
