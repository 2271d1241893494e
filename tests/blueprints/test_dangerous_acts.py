"""Dangerous acts from a session that has grown old: asked once more, then done with what was typed."""

from __future__ import annotations

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.user_groups import add_user_group_member
from app.queries.access import grants_of_group, grants_of_person
from app.queries.access_roles import get_access_role
from app.queries.invitations import waiting_invitations
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.user_groups import NewUserGroupMember
from tests.cast import PASSWORD, afresh
from tests.factories import a_grant, a_group, a_program, a_task
from tests.markup import page
from tests.security.newcomers import newcomer
from tests.security.test_account import grow_stale


@pytest.fixture
def owner(acme):
    """An owner whose password nobody else guesses at."""
    return newcomer(acme, "owner")


@pytest.fixture
def seat(form, owner):
    """Their browser, in which they signed in a while ago."""
    opened = form(owner)
    grow_stale(owner)
    return opened


def asked(answer):
    return answer.status_code == 403 and "Is it you?" in answer.text


def confirm(seat, answer, password=PASSWORD):
    """Send the form of the page that asks, exactly as it stands there, with a password."""
    form = next(each for each in page(answer).all("form") if each.attributes.get("action", "").startswith("/o/"))
    given = {each.attributes["name"]: each.attributes.get("value", "") for each in form.all("input")}
    path = form.attributes["action"].removeprefix(seat.at(""))
    return seat.post(path, **given | {"confirm_password": password})


def roles_of(owner, person):
    return {grant.role_name for grant in owner.sees(grants_of_person, person.user_id)}


def brought_by(owner, group):
    return {grant.role_name for grant in owner.sees(grants_of_group, group)}


@pytest.fixture(params=["person", "program", "task"])
def door_to_give(request, owner, carol):
    """A page on which a role is given, and what its form says beside the role."""
    program = a_program(owner)
    return {
        "person": (f"/people/{carol.user_id}/roles", {}),
        "program": (f"/programs/{program.id}/access", {"user_id": carol.user_id}),
        "task": (f"/tasks/{a_task(owner, program).id}/access", {"user_id": carol.user_id}),
    }[request.param]


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_role_of_power_is_given_by_who_has_just_said_who_they_are(seat, owner, acme, carol, door_to_give, role):
    path, typed = door_to_give
    answer = seat.post(path, access_role_id=acme.roles[role], **typed)
    assert asked(answer)
    assert role.capitalize() not in roles_of(owner, carol)
    assert confirm(seat, answer, "x" * 20).status_code == 422
    assert role.capitalize() not in roles_of(owner, carol)
    assert confirm(seat, answer).status_code == 303
    assert role.capitalize() in roles_of(owner, carol)


@pytest.mark.parametrize("role", ["manager", "member"])
def test_an_everyday_role_is_given_without_being_asked(seat, owner, acme, carol, door_to_give, role):
    path, typed = door_to_give
    assert seat.post(path, access_role_id=acme.roles[role], **typed).status_code == 303
    assert role.capitalize() in roles_of(owner, carol)


def test_a_role_of_ones_own_is_one_of_power_by_what_it_manages_or_allows(seat, owner, acme, carol):
    for more in ({"managed_role_ids": (acme.roles["owner"],)}, {"permissions": ("access_role.update",)}):
        role = create_access_role(owner.actor, NewAccessRole(**{"name": f"Of {more}"[:40], "permissions": ()} | more))
        afresh()
        assert asked(seat.post(f"/people/{carol.user_id}/roles", access_role_id=role.id))


def test_taking_a_role_of_power_away_asks_too(seat, owner, carol):
    grant = a_grant(owner, "owner", carol)
    answer = seat.post(f"/people/{carol.user_id}/roles/{grant.id}/deletion")
    assert asked(answer)
    assert "Owner" in roles_of(owner, carol)
    assert confirm(seat, answer).status_code == 303
    assert "Owner" not in roles_of(owner, carol)


def test_an_everyday_role_is_taken_away_without_being_asked(seat, owner, carol):
    grant = a_grant(owner, "member", carol)
    assert seat.post(f"/people/{carol.user_id}/roles/{grant.id}/deletion").status_code == 303


def test_a_group_gets_a_role_of_power_and_people_get_it_by_the_group_only_after_asking(seat, owner, acme, carol):
    group = a_group(acme, name="Board")
    given = seat.post(f"/groups/{group}/roles", access_role_id=acme.roles["owner"])
    assert asked(given)
    assert brought_by(owner, group) == set()
    brings = NewAccessGrant(access_role_id=acme.roles["owner"], user_group_id=group)
    create_access_grant(owner.actor, brings)
    put_in = seat.post(f"/groups/{group}/members", user_id=carol.user_id)
    assert asked(put_in)
    assert "Owner" not in roles_of(owner, carol)
    assert asked(seat.post(f"/groups/{group}/deletion"))
    assert confirm(seat, put_in).status_code == 303
    assert "Owner" in roles_of(owner, carol)


def test_somebody_is_taken_out_of_a_group_of_power_only_after_asking(seat, owner, acme, carol):
    group = a_group(acme, name="Board")
    create_access_grant(owner.actor, NewAccessGrant(access_role_id=acme.roles["owner"], user_group_id=group))
    member = add_user_group_member(owner.actor, group, NewUserGroupMember(user_id=carol.user_id)).id
    assert asked(seat.post(f"/groups/{group}/members/{member}/deletion"))
    everyday = a_group(acme, name="Choir")
    assert seat.post(f"/groups/{everyday}/members", user_id=carol.user_id).status_code == 303


def test_somebody_is_invited_as_an_owner_with_the_very_words_that_were_typed(seat, owner, acme):
    answer = seat.post("/people/invitations", email="ivy@elsewhere.example", access_role_id=acme.roles["owner"])
    assert asked(answer)
    assert owner.sees(waiting_invitations) == []
    assert confirm(seat, answer).status_code == 303
    assert [each.email for each in owner.sees(waiting_invitations)] == ["ivy@elsewhere.example"]
    everyday = seat.post("/people/invitations", email="joe@elsewhere.example", access_role_id=acme.roles["member"])
    assert everyday.status_code == 303


def test_who_has_power_is_let_go_and_let_back_in_only_after_asking(seat, owner, carol, alice):
    assert seat.post(f"/people/{carol.user_id}/deactivation").status_code == 303
    assert seat.post(f"/people/{carol.user_id}/reactivation").status_code == 303
    answer = seat.post(f"/people/{alice.user_id}/deactivation")
    assert asked(answer)
    assert confirm(seat, answer).status_code == 303
    grow_stale(owner)
    assert asked(seat.post(f"/people/{alice.user_id}/reactivation"))


def test_a_role_is_changed_and_deleted_only_after_asking(seat, owner):
    role = create_access_role(owner.actor, NewAccessRole(name="Scribe", permissions=("task.view",)))
    afresh()
    typed = {"name": 'Scribe & "Co"', "description": "a\r\nb", "version": 1, "sees.task": "all"}
    answer = seat.post(f"/roles/{role.id}", **typed)
    assert asked(answer)
    assert owner.sees(get_access_role, role.id).name == "Scribe"
    assert confirm(seat, answer).status_code == 303
    assert owner.sees(get_access_role, role.id).name == 'Scribe & "Co"'
    grow_stale(owner)
    assert asked(seat.post(f"/roles/{role.id}/deletion"))


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/api-origins", {"origins": "https://tools.acme.example\r\nhttps://shop.acme.example"}),
        ("/audit/exports", {"format": "csv"}),
    ],
)
def test_what_opens_the_organisation_to_the_outside_asks_too(seat, path, typed):
    answer = seat.post(path, **typed)
    assert asked(answer)
    assert confirm(seat, answer).status_code == 303
    assert seat.post(path, **typed).status_code == 303, "Once is enough for a while."


def test_a_key_gets_a_new_secret_only_after_asking(seat, owner):
    seat.post("/api-keys", confirm_password=PASSWORD, name="Nightly", **{"scope.task.view": "on"})
    listed = page(seat.get("/api-keys")).all("a")
    rotate = next(each.attributes["href"] for each in listed if each.attributes.get("href", "").endswith("/rotate"))
    grow_stale(owner)
    answer = seat.post(rotate.removeprefix(seat.at("")).replace("/rotate", "/rotation"), overlap_hours="24")
    assert asked(answer)
    assert confirm(seat, answer).status_code == 201


def test_in_a_page_that_acts_in_place_the_question_takes_the_whole_page(htmx, owner, acme, carol):
    seat = htmx(owner)
    grow_stale(owner)
    answer = seat.post(f"/people/{carol.user_id}/roles", access_role_id=acme.roles["owner"])
    assert asked(answer)
    assert answer.headers["HX-Retarget"] == "#main"
    assert answer.headers["Cache-Control"] == "no-store"
