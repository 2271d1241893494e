"""Roles: what they allow is changed by those who manage them, and by nobody beyond what they hold themselves."""

from __future__ import annotations

import pytest

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.access_roles import create_access_role, delete_access_role, update_access_role
from app.commands.invitations import accept_invitation, invite_person, resend_invitation, withdraw_invitation
from app.core.actor import Visitor
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, StaleVersion
from app.core.ids import new_token
from app.queries.access import grants_of_person
from app.queries.access_roles import get_access_role, list_access_roles
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import AccessRoleChanges, NewAccessRole
from app.schemas.invitations import NewAccount, NewInvitation
from tests.cast import PASSWORD, afresh, join, play
from tests.commands.test_invite_person import token_sent_to
from tests.doors import went_well
from tests.factories import a_grant, a_group, a_program
from tests.trail import as_auditor, as_superuser, audit_trail


@pytest.fixture
def dave(acme):
    return join(acme, "dave")


@pytest.fixture
def dora(acme):
    return join(acme, "dora")


def a_role(player, name="Bookkeeper", *permissions, gives=()):
    made = create_access_role(player.actor, NewAccessRole(name=name, permissions=permissions, managed_role_ids=gives))
    afresh()
    return made


def change(player, role_id, **changes):
    update_access_role(player.actor, role_id, AccessRoleChanges(**changes))
    return seen(player, role_id)


def seen(player, role_id):
    return player.sees(get_access_role, role_id)


def again(player):
    return play(player.organisation, player.name)


def facts_of(role_id):
    log = "SELECT before_state, after_state, metadata FROM audit.audit_events WHERE entity_id = %s ORDER BY id"
    return as_auditor(log, str(role_id))


def test_a_role_is_made_changed_and_deleted_through_every_door(alice, form, htmx, api):
    for door in (form, htmx):
        pages = door(alice)
        made = pages.post(
            "/roles", **{"name": f"By {len(pages.headers)}", "sees.task": "own", "may.task.comment": "on"}
        )
        path = made.headers["Location"].partition(alice.organisation.slug)[2]
        role_id = path.rpartition("/")[2]
        assert set(seen(alice, role_id).permissions) == {"task.view_own", "task.comment"}
        assert went_well(pages.post(path, **{"name": "Other", "sees.task": "all", "version": "1"}))
        assert set(seen(alice, role_id).permissions) == {"task.view"}
        assert went_well(pages.post(f"{path}/deletion"))
        assert pages.get(path).status_code == 404
    made = api(alice).send("POST", "/access-roles", {"name": "Fourth", "permissions": ["task.view"]})
    path = f"/access-roles/{made.json['data']['id']}"
    changed = api(alice).send("PATCH", path, {"permissions": ["task.view_own"]}, If_Match=made.headers["ETag"])
    assert changed.json["data"]["permissions"] == ["task.view_own"]
    assert api(alice).send("DELETE", path, If_Match=made.headers["ETag"]).status_code == 412
    assert api(alice).send("DELETE", path, If_Match=changed.headers["ETag"]).status_code == 204


def test_what_a_role_allows_is_what_its_holders_may_do_from_then_on(alice, dora):
    role = a_role(alice, "Commenter", "task.view")
    alice.organisation.roles["commenter"] = role.id
    a_grant(alice, "commenter", dora)
    assert again(dora).actor.permissions == {"task.view"}
    change(alice, role.id, permissions=("task.view", "task.comment"))
    assert again(dora).actor.permissions == {"task.view", "task.comment"}
    change(alice, role.id, permissions=())
    assert again(dora).actor.permissions == set()


def test_a_change_of_permissions_alone_is_a_version_and_an_event(alice):
    role = a_role(alice, "Reader", "task.view", "program.view")
    after = change(alice, role.id, permissions=("task.view", "task.comment"))
    assert after.version == 2
    assert audit_trail(role) == ["access_role.created", "access_role.updated"]
    told = facts_of(role.id)[-1].metadata["facts"]
    assert told == {"added": ["task.comment"], "removed": ["program.view"]}
    with pytest.raises(StaleVersion):
        change(alice, role.id, permissions=(), version=1)
    assert set(seen(alice, role.id).permissions) == {"task.view", "task.comment"}


def test_a_change_that_changes_nothing_is_none(alice):
    role = a_role(alice, "Reader", "task.view")
    assert change(alice, role.id, name="Reader", permissions=("task.view",), managed_role_ids=()).version == 1
    assert audit_trail(role) == ["access_role.created"]


def test_the_trail_tells_which_roles_a_role_may_give(alice, form):
    role = a_role(alice, "Host")
    viewer = alice.organisation.roles["viewer"]
    change(alice, role.id, managed_role_ids=(viewer,))
    last = facts_of(role.id)[-1]
    assert (last.before_state, last.after_state) == ({"managed_role_ids": []}, {"managed_role_ids": [str(viewer)]})
    assert "Viewer" in form(alice).get(f"/audit?object={role.id}").text


def test_shipped_roles_can_be_changed_and_the_difference_is_shown(alice, form):
    member = alice.organisation.roles["member"]
    held = set(seen(alice, member).permissions)
    change(alice, member, permissions=tuple(held - {"task.delete"} | {"user.invite"}))
    page = form(alice).get(f"/roles/{member}").text
    assert "Not as it was shipped" in page
    assert "Invite people" in page
    assert "changed since it was shipped" in form(alice).get("/roles").text


def test_the_owner_keeps_everything(alice, api):
    owner = alice.organisation.roles["owner"]
    for changes in ({"permissions": ["task.view"]}, {"name": "Boss"}, {"managed_role_ids": []}):
        assert api(alice).send("PATCH", f"/access-roles/{owner}", changes).status_code == 409
    assert api(alice).send("DELETE", f"/access-roles/{owner}").status_code == 409


def test_a_shipped_role_is_not_deleted(alice):
    with pytest.raises(Conflict):
        delete_access_role(alice.actor, alice.organisation.roles["auditor"])


def test_a_role_in_use_is_not_deleted_and_says_where_it_is(alice, acme, dora, bob):
    role = a_role(alice, "Helper", "task.view")
    acme.roles["helper"] = role.id
    grant = a_grant(alice, "helper", dora, program_id=a_program(alice).id).id
    group = a_group(acme, bob)
    brought = create_access_grant(alice.actor, NewAccessGrant(access_role_id=role.id, user_group_id=group)).id
    invitation = invite_person(alice.actor, NewInvitation(email="new@acme.example", access_role_id=role.id)).id
    with pytest.raises(Conflict) as refused:
        delete_access_role(alice.actor, role.id)
    assert "given to 1 people and 1 groups, waiting in 1 invitations" in refused.value.message
    delete_access_grant(alice.actor, grant)
    delete_access_grant(alice.actor, brought)
    with pytest.raises(Conflict):
        delete_access_role(alice.actor, role.id)
    withdraw_invitation(alice.actor, invitation)
    delete_access_role(alice.actor, role.id)
    with pytest.raises(NotFound):
        seen(alice, role.id)


def test_past_invitations_stay_and_keep_the_name_of_a_deleted_role(alice, form):
    role = a_role(alice, "Helper", "task.view")
    addresses = [f"{new_token()[:8].lower()}@new.example" for _number in range(2)]
    taken_back, _accepted = (
        invite_person(alice.actor, NewInvitation(email=each, access_role_id=role.id)) for each in addresses
    )
    withdraw_invitation(alice.actor, taken_back.id)
    account = NewAccount(name="Ivy Chen", password=PASSWORD)
    ivy = accept_invitation(Visitor(), token_sent_to(addresses[1]), person_id=None, account=account)
    grants = alice.sees(grants_of_person, ivy.user_id)
    assert [grant.role_name for grant in grants] == ["Helper"]
    delete_access_grant(alice.actor, grants[0].grant_id)
    assert went_well(form(alice).post(f"/roles/{role.id}/deletion"))
    kept = as_superuser(
        "SELECT access_role_id, former_role_name, accepted_at IS NOT NULL AS accepted FROM invitations"
        " WHERE application_instance_id = %s ORDER BY accepted",
        alice.organisation.id,
    )
    assert [tuple(row) for row in kept] == [(None, "Helper", False), (None, "Helper", True)]
    with pytest.raises(Conflict):
        resend_invitation(alice.actor, taken_back.id)


def test_no_other_role_manages_a_deleted_one(alice, dave):
    role = a_role(dave, "Temporary", "task.view")
    admin = alice.organisation.roles["admin"]
    assert role.id in seen(alice, admin).managed_role_ids
    delete_access_role(dave.actor, role.id)
    assert role.id not in seen(alice, admin).managed_role_ids
    assert [each.name for each in alice.sees(list_access_roles)].count("Temporary") == 0


def test_who_makes_a_role_manages_it_by_the_role_they_made_it_with(dave, acme, dora):
    role = a_role(dave, "Clerk", "task.view")
    acme.roles["clerk"] = role.id
    a_grant(dave, "clerk", dora)
    assert "task.comment" in change(dave, role.id, permissions=("task.comment",)).permissions


def test_a_role_that_allows_more_than_the_one_it_was_made_with_is_not_handed_to_all_who_have_that(alice, acme, dave):
    closer = a_role(alice, "Closer", "application_instance.delete")
    acme.roles["closer"] = closer.id
    a_grant(alice, "closer", dave)
    role = a_role(again(dave), "Closes too", "application_instance.delete")
    assert role.id not in seen(alice, acme.roles["admin"]).managed_role_ids


def test_nobody_puts_into_a_role_what_they_do_not_hold_throughout(alice, acme, dave):
    with pytest.raises(Forbidden):
        a_role(dave, "Closer", "application_instance.delete")
    acme.roles["bare"] = a_role(alice, "Bare", "access_role.view", "access_role.update").id
    acme.roles["worker"] = a_role(alice, "Worker", "task.comment").id
    change(alice, acme.roles["bare"], managed_role_ids=(acme.roles["bare"], acme.roles["worker"]))
    cleo = join(acme, "cleo")
    a_grant(alice, "bare", cleo)
    a_grant(alice, "worker", cleo, program_id=a_program(alice).id)  # in one program only
    for target in ("bare", "worker"):
        with pytest.raises(Forbidden):
            change(again(cleo), acme.roles[target], permissions=("task.comment", "task.create", "access_role.view"))
    assert "task.create" not in again(cleo).actor.permissions


def test_nobody_lets_a_role_manage_what_theirs_does_not(alice, dave):
    admin, owner = alice.organisation.roles["admin"], alice.organisation.roles["owner"]
    with pytest.raises(Forbidden):
        a_role(dave, "Maker of owners", gives=(owner,))
    with pytest.raises(Forbidden):
        change(dave, admin, managed_role_ids=(*seen(alice, admin).managed_role_ids, owner))
    with pytest.raises(Invalid):
        a_role(dave, "Of nothing", gives=(alice.organisation.id,))


def test_nobody_touches_a_role_that_theirs_does_not_manage(alice, dave):
    role = a_role(alice, "Of the owner", "task.view")
    for touch in (
        lambda: change(dave, role.id, name="Mine"),
        lambda: change(dave, role.id, permissions=()),
        lambda: delete_access_role(dave.actor, role.id),
    ):
        with pytest.raises(Forbidden):
            touch()
    assert seen(alice, role.id).name == "Of the owner"


def test_a_key_puts_no_more_into_a_role_than_it_may_itself(alice, app_client_with):
    key = alice.key_with("access_role.update", "task.comment")
    answer = app_client_with(key, "POST", "/access-roles", {"name": "By key", "permissions": ["task.delete"]})
    assert answer.status_code == 403
    answer = app_client_with(key, "POST", "/access-roles", {"name": "By key", "permissions": ["task.comment"]})
    assert answer.status_code == 201


@pytest.fixture
def app_client_with(web_app):
    def send(key, method, path, body):
        return web_app.test_client().open(
            f"/api/v1{path}", method=method, json=body, headers={"Authorization": f"Bearer {key}"}
        )

    return send


def test_two_roles_have_two_names_whatever_their_case(alice, form):
    a_role(alice, "Clerk")
    page = form(alice).post("/roles", name="CLERK")
    assert page.status_code == 422
    assert "There is a role with this name already." in page.text
    with pytest.raises(Invalid):
        change(alice, alice.organisation.roles["member"], name="viewer")


def test_a_renamed_role_leaves_its_key_and_frees_its_name(alice):
    first = a_role(alice, "Clerk")
    change(alice, first.id, name="Bookkeeper")
    second = a_role(alice, "Clerk")
    assert seen(alice, first.id).key == "clerk"
    assert seen(alice, second.id).key.startswith("clerk-")


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(alice, form):
    page = form(alice).post(
        "/roles", **{"name": "", "description": "Kept", "sees.task": "own", "may.task.create": "on"}
    )
    assert page.status_code == 422
    assert 'value="Kept"' in page.text
    assert 'name="sees.task" value="own" checked' in page.text
    assert 'name="may.task.create" value="on" checked' in page.text


def test_a_form_that_is_old_shows_what_the_other_has_changed(alice, form):
    role = a_role(alice, "Clerk", "task.view")
    change(alice, role.id, permissions=("task.view", "task.comment"))
    page = form(alice).post(f"/roles/{role.id}", **{"name": "Clerk", "sees.task": "all", "version": "1"})
    assert page.status_code == 409
    assert "Comment on tasks" in page.text
    assert "task.comment" in seen(alice, role.id).permissions


def test_what_one_may_not_hand_on_is_closed_in_the_form(alice, dave, form):
    page = form(dave).get("/roles/new").text
    assert 'name="may.application_instance.delete" value="on" disabled' in page
    assert f'name="gives.{alice.organisation.roles["owner"]}" value="on" disabled' in page
    like = form(dave).get(f"/roles/new?like={alice.organisation.roles['owner']}").text
    assert 'name="may.application_instance.delete" value="on" disabled' in like
    assert 'name="may.task.create" value="on" checked' in like


def test_a_permission_that_does_not_exist_is_named(alice, api):
    answer = api(alice).send("POST", "/access-roles", {"name": "Odd", "permissions": ["task.explode"]})
    assert answer.status_code == 422
    assert "task.explode" in answer.text


def test_roles_of_another_organisation_are_not_there(alice, mallory):
    role = a_role(mallory, "Theirs")
    with pytest.raises(NotFound):
        seen(alice, role.id)
    with pytest.raises(NotFound):
        change(alice, role.id, name="Mine")
    with pytest.raises(Invalid):
        a_role(alice, "Mine", gives=(role.id,))


def test_an_organisation_has_so_many_roles_and_no_more(alice, monkeypatch):
    monkeypatch.setattr("app.commands.access_roles.MOST_ROLES", 8)
    a_role(alice, "Eighth")
    with pytest.raises(Conflict):
        a_role(alice, "Ninth")
