"""Groups: who is in one has its roles, and nobody gives or takes a role by a group who could not do so directly."""

from __future__ import annotations

import pytest

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.user_groups import (
    add_user_group_member,
    create_user_group,
    delete_user_group,
    remove_user_group_member,
    update_user_group,
)
from app.commands.users import deactivate_user
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, StaleVersion
from app.core.paging import Paging
from app.queries.access import grants_of_person
from app.queries.user_groups import list_user_group_members
from app.schemas.access_grants import NewAccessGrant
from app.schemas.user_groups import NewUserGroup, NewUserGroupMember, UserGroupChanges
from tests.cast import afresh, join, play
from tests.core.rooms import inside
from tests.doors import went_well
from tests.factories import a_program
from tests.trail import as_auditor, audit_trail


def put(player, group, *, person=None, inner=None):
    new = NewUserGroupMember(user_id=person and person.user_id, member_group_id=inner and inner.id)
    member = add_user_group_member(player.actor, group.id, new)
    afresh()
    return member


def a_named_group(player, name="Editors"):
    group = create_user_group(player.actor, NewUserGroup(name=name))
    afresh()
    return group


def give(player, role, group, **place):
    new = NewAccessGrant(access_role_id=player.organisation.roles[role], user_group_id=group.id, **place)
    return create_access_grant(player.actor, new)


def direct_grants(player):
    with inside(player.organisation):
        return [grant.grant_id for grant in grants_of_person(player.actor, player.user_id) if not grant.groups]


def again(player):
    return play(player.organisation, player.name)


@pytest.fixture
def dora(acme):
    return join(acme, "dora")


@pytest.fixture
def dave(acme):
    return join(acme, "dave")


def test_a_group_is_made_changed_and_deleted_through_every_door(alice, form, htmx, api):
    for door in (form, htmx):
        pages = door(alice)
        made = pages.post("/groups", name=f"Made by {door.__name__} {pages.headers}"[:90])
        path = made.headers["Location"].partition(alice.organisation.slug)[2]
        assert went_well(pages.post(path, name=f"{pages.headers} changed"[:90], description="Who writes"))
        assert "Who writes" in pages.get(path).text
        assert went_well(pages.post(f"{path}/deletion"))
        assert pages.get(path).status_code == 404
    made = api(alice).send("POST", "/user-groups", {"name": "Editors"})
    path = f"/user-groups/{made.json['data']['id']}"
    changed = api(alice).send("PATCH", path, {"name": "Writers"}, If_Match=made.headers["ETag"])
    assert changed.json["data"]["name"] == "Writers"
    assert api(alice).send("DELETE", path, If_Match=made.headers["ETag"]).status_code == 412
    assert api(alice).send("DELETE", path, If_Match=changed.headers["ETag"]).status_code == 204


def test_a_group_in_which_somebody_is_twice_has_them_once(alice, bob, api):
    group = a_named_group(alice)
    first, second = put(alice, group, person=bob), put(alice, group, person=bob)
    assert first.id == second.id
    assert len(alice.sees(list_user_group_members, group.id, Paging()).rows) == 1
    assert len(api(alice).get(f"/user-groups/{group.id}/members").json["data"]) == 1


def test_two_groups_have_two_names_whatever_their_case(alice):
    a_named_group(alice, "Editors")
    with pytest.raises(Invalid) as refused:
        a_named_group(alice, "EDITORS")
    assert list(refused.value.fields) == ["name"]


def test_who_edits_an_old_copy_is_told(alice):
    group = a_named_group(alice)
    update_user_group(alice.actor, group.id, UserGroupChanges(name="First", version=group.version))
    with pytest.raises(StaleVersion):
        update_user_group(alice.actor, group.id, UserGroupChanges(name="Second", version=1))


def test_a_group_that_would_come_to_lie_in_itself_is_told_so_beside_the_field(alice, form, api):
    outer, inner = a_named_group(alice, "Outer"), a_named_group(alice, "Inner")
    put(alice, outer, inner=inner)
    for above, below in ((inner, outer), (outer, outer)):
        page = form(alice).post(f"/groups/{above.id}/members", member_group_id=below.id)
        assert page.status_code == 422
        assert "A group cannot lie in itself" in page.text
        told = api(alice).send("POST", f"/user-groups/{above.id}/members", {"member_group_id": str(below.id)})
        assert [each["field"] for each in told.json["error"]["details"]] == ["member_group_id"]


def test_only_people_and_groups_of_the_organisation_come_into_a_group(alice, mallory):
    group, theirs = a_named_group(alice), a_named_group(mallory)
    with pytest.raises(Invalid):
        put(alice, group, person=mallory)
    with pytest.raises(Invalid):
        put(alice, group, inner=theirs)
    with pytest.raises(NotFound):
        put(mallory, group, person=mallory)


def test_who_is_put_in_and_taken_out_gains_and_loses_the_roles_of_the_groups_above(alice, dora):
    outer, inner, program = a_named_group(alice, "Outer"), a_named_group(alice, "Inner"), a_program(alice)
    give(alice, "viewer", outer, program_id=program.id)
    put(alice, outer, inner=inner)
    member = put(alice, inner, person=dora)
    assert again(dora).actor.may("task.view", program.id)
    remove_user_group_member(alice.actor, inner.id, member.id)
    assert not again(dora).actor.may_somewhere("task.view")


def test_an_owner_by_a_group_in_a_group_is_an_owner_and_the_last_one_stays(alice, dora, acme):
    """Who owns directly may then leave; nothing that would end the ownership of the group's people goes any more."""
    owners, inner = a_named_group(alice, "Owners"), a_named_group(alice, "Founders")
    nested, place = put(alice, owners, inner=inner), put(alice, inner, person=dora)
    held = give(alice, "owner", owners)
    dora, mine = again(dora), direct_grants(alice)
    for grant_id in mine:
        delete_access_grant(dora.actor, grant_id)
    for attempt in (
        lambda: remove_user_group_member(dora.actor, inner.id, place.id),
        lambda: remove_user_group_member(dora.actor, owners.id, nested.id),
        lambda: delete_user_group(dora.actor, inner.id),
        lambda: delete_user_group(dora.actor, owners.id),
        lambda: delete_access_grant(dora.actor, held.id),
        lambda: deactivate_user(dora.actor, dora.user_id),
    ):
        with pytest.raises(Conflict, match="Somebody has to own"):
            attempt()
    give_owner = NewAccessGrant(access_role_id=acme.roles["owner"], user_id=alice.user_id)
    create_access_grant(again(dora).actor, give_owner)
    delete_user_group(again(dora).actor, owners.id)
    assert again(alice).actor.may("application_instance.delete")


def test_a_group_that_nobody_is_in_owns_nothing(alice):
    """Who gives the role to an empty group, and then gives up their own, would leave nobody."""
    owners = a_named_group(alice, "Owners")
    give(alice, "owner", owners)
    for grant_id in direct_grants(alice):
        with pytest.raises(Conflict, match="Somebody has to own"):
            delete_access_grant(alice.actor, grant_id)


def test_an_admin_makes_no_owner_by_a_group_and_unmakes_none(alice, dave, dora):
    """Not directly, not by the group inside, not by one that lies in it, not by taking somebody out or deleting it."""
    owners, inside, other = (a_named_group(alice, name) for name in ("Owners", "Inside", "Other"))
    give(alice, "owner", owners)
    held = put(alice, owners, person=dora)
    put(alice, owners, inner=inside)
    put(dave, other, person=dave)
    for attempt in (
        lambda: put(dave, owners, person=dave),
        lambda: put(dave, owners, inner=other),
        lambda: put(dave, inside, person=dave),
        lambda: put(dave, inside, inner=other),
        lambda: remove_user_group_member(dave.actor, owners.id, held.id),
        lambda: delete_user_group(dave.actor, owners.id),
        lambda: delete_user_group(dave.actor, inside.id),
    ):
        with pytest.raises(Forbidden, match="Owner"):
            attempt()
    assert not again(dave).actor.may("application_instance.delete")
    delete_user_group(alice.actor, owners.id)
    assert not again(dora).actor.may_somewhere("application_instance.delete")


def test_a_key_that_may_not_give_roles_gives_none_by_a_group(alice, dora, web_app):
    group = a_named_group(alice)
    give(alice, "viewer", group)
    key = alice.key_with("user_group.update")
    sent = web_app.test_client().post(
        f"/api/v1/user-groups/{group.id}/members",
        json={"user_id": dora.user_id},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert sent.status_code == 403
    assert not again(dora).actor.may_somewhere("task.view")


def test_what_goes_with_a_group_is_in_the_trail(alice, bob):
    group, program = a_named_group(alice), a_program(alice)
    grant, member = give(alice, "viewer", group, program_id=program.id), put(alice, group, person=bob)
    delete_user_group(alice.actor, group.id)
    assert audit_trail(group) == ["user_group.created", "user_group.deleted"]
    assert audit_trail(grant) == ["access_grant.created", "access_grant.deleted"]
    assert audit_trail(member) == ["user_group_member.created", "user_group_member.deleted"]
    [gone] = as_auditor(
        "SELECT metadata FROM audit.audit_events WHERE event_type = 'user_group_member.deleted' AND entity_id = %s",
        str(member.id),
    )
    assert gone.metadata["facts"]["user_id"] == bob.user_id
