"""Who may do what where, on pages: shown with its way, given and taken by whom the place allows, and nowhere else."""

from __future__ import annotations

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.users import deactivate_user
from app.queries.access import grants_of_person
from app.schemas.access_grants import NewAccessGrant
from tests.cast import afresh, join, play
from tests.doors import messages, toasts, went_well
from tests.factories import a_grant, a_group, a_program, a_task
from tests.markup import page


@pytest.fixture
def places(alice):
    """A program in another, and one beside them; a task in the inner one."""
    outer = a_program(alice, name="Clients")
    inner = a_program(alice, name="Letters", parent_id=outer.id)
    return {"outer": outer, "inner": inner, "beside": a_program(alice, name="Website"), "task": a_task(alice, inner)}


@pytest.fixture
def leader(alice, places):
    """Who is a manager in one program only."""
    heidi = join(alice.organisation, "heidi")
    a_grant(alice, "manager", heidi, program_id=places["inner"].id)
    return play(alice.organisation, "heidi")


def rows(answer):
    """What the table says, row by row."""
    return [each.text for each in page(answer).all("tr")[1:]]


def roles_of(player, person):
    return {(row.access_role_id, row.program_id, row.task_id) for row in grants(player, person)}


def grants(player, person):
    return player.sees(grants_of_person, person.user_id)


def choices(answer, field):
    return [each.text for each in page(answer).by_id(f"f-{field}").all("option")]


def test_a_program_tells_who_may_what_and_by_which_way(form, alice, bob, carol, places):
    editors = a_group(alice.organisation, carol, name="Editors")
    reviewer = alice.organisation.roles["reviewer"]
    create_access_grant(
        alice.actor, NewAccessGrant(access_role_id=reviewer, user_group_id=editors, program_id=places["outer"].id)
    )
    a_grant(alice, "manager", bob, program_id=places["inner"].id)
    shown = rows(form(alice).get(f"/programs/{places['inner'].id}/access"))
    assert "Directly, given here" in shown[0] and "Bob" in shown[0] and "Manager" in shown[0]
    assert "Inherited from Clients" in shown[1] and "Editors" in shown[1]
    assert any("The whole organisation. Changed on the page of Alice" in each for each in shown)
    on_task = rows(form(alice).get(f"/tasks/{places['task'].id}/access"))
    assert any("Inherited from Letters" in each for each in on_task)
    assert any("Inherited from Clients" in each for each in on_task)


def test_who_was_let_go_may_do_nothing_anywhere(form, alice, bob, places):
    a_grant(alice, "manager", bob, program_id=places["inner"].id)
    deactivate_user(alice.actor, bob.user_id)
    afresh()
    shown = rows(form(alice).get(f"/programs/{places['inner'].id}/access"))
    assert any("Alice" in each for each in shown)
    assert not any("Bob" in each for each in shown)


def test_what_is_inherited_cannot_be_taken_away_below(form, alice, bob, places):
    grant = a_grant(alice, "manager", bob, program_id=places["outer"].id)
    assert form(alice).post(f"/programs/{places['inner'].id}/access/{grant.id}/deletion").status_code == 404
    assert form(alice).post(f"/programs/{places['outer'].id}/access/{grant.id}/deletion").status_code == 303


@pytest.mark.parametrize("where", ["program", "task", "person"])
def test_a_role_is_given_and_taken_again_with_undo(htmx, alice, bob, places, where):
    reviewer = alice.organisation.roles["reviewer"]
    address, fields, place = {
        "program": (f"/programs/{places['inner'].id}/access", {"user_id": bob.user_id}, (places["inner"].id, None)),
        "task": (f"/tasks/{places['task'].id}/access", {"user_id": bob.user_id}, (None, places["task"].id)),
        "person": (f"/people/{bob.user_id}/roles", {"program_id": places["outer"].id}, (places["outer"].id, None)),
    }[where]
    door = htmx(alice)
    given = door.post(address, access_role_id=reviewer, **fields)
    assert given.status_code == 200
    assert toasts(given) == ["Bob has the role “Reviewer”."]
    assert (reviewer, *place) in roles_of(alice, bob)
    (said,) = messages(given)
    taken = door.client.post(said["undo"]["url"], headers=door.headers | {"Origin": "http://localhost"})
    assert toasts(taken) == ["The role “Reviewer” was taken away from Bob."]
    assert (reviewer, *place) not in roles_of(alice, bob)
    (said,) = messages(taken)
    door.client.post(said["undo"]["url"], data=said["undo"]["fields"], headers={"Origin": "http://localhost"})
    assert (reviewer, *place) in roles_of(alice, bob)


def test_a_group_is_given_a_role_on_its_page(form, alice, carol):
    group = a_group(alice.organisation, carol, name="Editors")
    door = form(alice)
    assert door.post(f"/groups/{group}/roles", access_role_id=alice.organisation.roles["member"]).status_code == 303
    told = door.get(f"/people/{carol.user_id}").text
    assert "By Editors. Changed on the page of" in told
    ((grant, *_),) = [[each] for each in grants(alice, carol) if each.groups]
    assert door.post(f"/people/{carol.user_id}/roles/{grant.grant_id}/deletion").status_code == 404
    assert went_well(door.post(f"/groups/{group}/roles/{grant.grant_id}/deletion"))


def test_a_group_is_offered_nobody_who_is_in_it_and_no_group_that_it_lies_in(form, acme, alice, bob, carol):
    outer = a_group(acme, name="Outer")
    middle = a_group(acme, name="Middle", inside=outer)
    group = a_group(acme, bob, name="Inner", inside=middle)
    held, free = a_group(acme, name="Held", inside=group), a_group(acme, name="Free")
    shown = page(form(alice).get(f"/groups/{group}"))
    offered = {option["value"] for option in shown.all("option") if option["value"]}
    people = {str(player.user_id) for player in (alice, bob, carol)} & offered
    groups = {str(each) for each in (outer, middle, group, held, free)} & offered
    assert people == {str(alice.user_id), str(carol.user_id)}
    assert groups == {str(free)}


def test_giving_twice_offers_no_undo_of_the_first(htmx, alice, bob, places):
    given = {"access_role_id": alice.organisation.roles["viewer"], "user_id": bob.user_id}
    address = f"/programs/{places['inner'].id}/access"
    assert messages(htmx(alice).post(address, **given))[0]["undo"]
    assert not messages(htmx(alice).post(address, **given))[0]["undo"]


def test_who_leads_a_program_is_offered_what_they_may_give_there(form, leader, places, bob):
    answer = form(leader).get(f"/programs/{places['inner'].id}/access")
    assert choices(answer, "access_role_id") == ["Choose a role", "Member", "Reviewer", "Viewer"]
    assert choices(form(leader).get(f"/people/{bob.user_id}"), "program_id") == ["Letters"]


def test_who_leads_a_program_gives_nothing_outside_of_it(door_of_pages, leader, bob, places):
    door, viewer = door_of_pages(leader), leader.organisation.roles["viewer"]
    before = roles_of(leader, bob)
    refused = [
        door.post(f"/people/{bob.user_id}/roles", access_role_id=viewer),
        door.post(f"/people/{bob.user_id}/roles", access_role_id=viewer, program_id=places["outer"].id),
        door.post(f"/people/{bob.user_id}/roles", access_role_id=viewer, program_id=places["beside"].id),
        door.post(f"/programs/{places['outer'].id}/access", access_role_id=viewer, user_id=bob.user_id),
        door.post(f"/programs/{places['beside'].id}/access", access_role_id=viewer, user_id=bob.user_id),
        door.post(f"/programs/{places['inner'].id}/access", access_role_id=leader.organisation.roles["owner"],
                  user_id=bob.user_id),
    ]  # fmt: skip
    assert {each.status_code for each in refused} <= {403, 404, 422}
    assert roles_of(leader, bob) == before
    address = f"/programs/{places['inner'].id}/access"
    assert went_well(door.post(address, access_role_id=viewer, user_id=bob.user_id))
    assert roles_of(leader, bob) - before == {(viewer, places["inner"].id, None)}


@pytest.fixture(params=["form", "htmx"])
def door_of_pages(request, form, htmx):
    return {"form": form, "htmx": htmx}[request.param]


def test_who_leads_a_program_takes_nothing_outside_of_it(form, alice, leader, bob, places):
    elsewhere = [
        a_grant(alice, "viewer", bob),
        a_grant(alice, "viewer", bob, program_id=places["outer"].id),
        a_grant(alice, "viewer", bob, program_id=places["beside"].id),
        a_grant(alice, "manager", bob, program_id=places["inner"].id),
    ]
    before = roles_of(alice, bob)
    door = form(leader)
    for grant in elsewhere:
        assert door.post(f"/people/{bob.user_id}/roles/{grant.id}/deletion").status_code in (403, 404)
        for place in ("inner", "outer", "beside"):
            answer = door.post(f"/programs/{places[place].id}/access/{grant.id}/deletion")
            assert answer.status_code in (403, 404)
    assert roles_of(alice, bob) == before
    own = a_grant(alice, "viewer", bob, program_id=places["inner"].id)
    assert went_well(door.post(f"/people/{bob.user_id}/roles/{own.id}/deletion"))
    assert roles_of(alice, bob) == before


def test_the_name_of_a_program_above_is_told_to_nobody_who_may_not_see_it(form, alice, leader, bob, places):
    a_grant(alice, "viewer", bob, program_id=places["outer"].id)
    answer = form(leader).get(f"/programs/{places['inner'].id}/access")
    assert "Inherited from a program above" in answer.text
    assert "Clients" not in answer.text
    assert "Clients" not in form(leader).get(f"/people/{bob.user_id}").text


def test_the_page_offers_to_take_away_just_what_one_may(form, alice, leader, bob, places):
    a_grant(alice, "viewer", bob, program_id=places["inner"].id)
    shown = rows(form(leader).get(f"/programs/{places['inner'].id}/access"))
    assert [("Bob" in each, "Take away" in each) for each in shown if "given here" in each] == [
        (True, True),
        (False, False),
    ]
    assert "Take away" not in form(bob).get(f"/programs/{places['inner'].id}/access").text


def test_what_does_not_do_says_so_on_the_page(htmx, form, alice, places):
    address = f"/programs/{places['inner'].id}/access"
    for door in (htmx, form):
        answer = door(alice).post(address, access_role_id=alice.organisation.roles["viewer"])
        assert answer.status_code == 422
        assert "Say either a person or a group." in answer.text
    afresh()
