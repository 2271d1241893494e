"""What is done twice at the same moment: as many times as one would want, and never half."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import func, select

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.api_keys import create_api_key, revoke_api_key, rotate_api_key
from app.commands.invitations import accept_invitation
from app.commands.programs import update_program
from app.commands.user_groups import add_user_group_member, delete_user_group, remove_user_group_member
from app.commands.users import deactivate_user
from app.core.actor import Visitor
from app.core.database import db, fresh_session
from app.core.errors import DomainError, NotFound
from app.models.access_grants import AccessGrant
from app.models.api_keys import ApiKey
from app.models.application_instances import ApplicationInstanceUser
from app.models.programs import Program
from app.models.user_groups import UserGroup, UserGroupMember
from app.models.users import User
from app.queries.organisations import owners as owners_of
from app.schemas.access_grants import NewAccessGrant
from app.schemas.api_keys import Rotation
from app.schemas.programs import ProgramChanges
from app.schemas.tenants import NewApiKey
from app.schemas.user_groups import NewUserGroupMember
from tests.cast import afresh, join, play
from tests.commands.test_invite_person import ACCOUNT, invited, token_sent_to
from tests.core.rooms import inside
from tests.factories import a_grant, a_group, a_program
from tests.trail import audit_trail, await_in_line, be_patient

ROUNDS = range(3)


@pytest.fixture
def at_once(web_app):
    """Does things at the same moment, each as a request of its own; what became of each, in their order."""

    def all_of(*acts):
        ready = threading.Barrier(len(acts), timeout=30)

        def run(act):
            with web_app.app_context(), fresh_session():
                ready.wait()
                try:
                    act()
                except DomainError as refused:
                    return type(refused).__name__
                return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            told = list(pool.map(run, acts))
        afresh()
        return told

    return all_of


def rows(organisation, model, **given):
    """How many rows of an organisation are so."""
    with inside(organisation):
        return db.session.scalar(select(func.count()).select_from(model).filter_by(**given))


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_two_last_owners_who_leave_at_once_one_stays(acme, alice, at_once, _round):
    olga = join(acme, "olga")
    grant = a_grant(alice, "owner", olga).id
    olga = play(acme, "olga")
    with inside(acme):
        own = db.session.scalar(select(AccessGrant.id).filter_by(user_id=alice.user_id, program_id=None, task_id=None))
    told = at_once(lambda: delete_access_grant(alice.actor, own), lambda: delete_access_grant(olga.actor, grant))
    assert sorted(told) == ["Conflict", "done"]
    assert rows(acme, AccessGrant, access_role_id=acme.roles["owner"]) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_two_last_owners_who_let_each_other_go_at_once_one_stays(acme, alice, at_once, _round):
    olga = join(acme, "olga")
    a_grant(alice, "owner", olga)
    olga = play(acme, "olga")
    told = at_once(
        lambda: deactivate_user(alice.actor, olga.user_id), lambda: deactivate_user(olga.actor, alice.user_id)
    )
    assert told.count("done") == 1
    assert rows(acme, ApplicationInstanceUser, deactivated_at=None) == 1


@pytest.fixture
def owners(acme, alice):
    """Olga owns acme by a group, alice directly: the group and olga's place in it, and what makes them owners."""
    olga = join(acme, "olga")
    group = a_group(acme, olga)
    grant = create_access_grant(alice.actor, NewAccessGrant(access_role_id=acme.roles["owner"], user_group_id=group)).id
    with inside(acme):
        own = db.session.scalar(select(AccessGrant.id).filter_by(user_id=alice.user_id, program_id=None, task_id=None))
        place = db.session.scalar(select(UserGroupMember.id).filter_by(user_group_id=group))
    return SimpleNamespace(group=group, place=place, grant=grant, own=own, olga=olga.user_id)


@pytest.mark.parametrize(
    "end_it",
    [
        lambda actor, owners: remove_user_group_member(actor, owners.group, owners.place),
        lambda actor, owners: delete_user_group(actor, owners.group),
        lambda actor, owners: delete_access_grant(actor, owners.grant),
        lambda actor, owners: deactivate_user(actor, owners.olga),
    ],
    ids=["taken out", "group deleted", "role taken", "let go"],
)
def test_an_owner_by_a_group_and_a_direct_one_do_not_both_go_at_once(acme, alice, at_once, owners, end_it):
    told = at_once(lambda: delete_access_grant(alice.actor, owners.own), lambda: end_it(alice.actor, owners))
    # Who comes a little later finds that alice, who asks for both, is no owner any more.
    assert sorted(told) in (["Conflict", "done"], ["Forbidden", "done"])
    with inside(acme):
        assert len(owners_of(alice.actor)) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_groups_that_are_put_into_each_other_at_once_are_no_circle(acme, alice, at_once, _round):
    one, other = a_group(acme), a_group(acme)
    told = at_once(
        lambda: add_user_group_member(alice.actor, one, NewUserGroupMember(member_group_id=other)),
        lambda: add_user_group_member(alice.actor, other, NewUserGroupMember(member_group_id=one)),
    )
    assert told.count("done") == 1
    assert rows(acme, UserGroupMember) == 1


@pytest.fixture
def nested(acme):
    """A group that lies in another: both, and its place there."""
    outer = a_group(acme)
    inner = a_group(acme, inside=outer)
    with inside(acme):
        place = db.session.scalar(select(UserGroupMember.id).filter_by(member_group_id=inner))
    return SimpleNamespace(outer=outer, inner=inner, place=place)


@pytest.mark.parametrize(
    "other",
    [
        lambda actor, nested: delete_user_group(actor, nested.outer),
        lambda actor, nested: remove_user_group_member(actor, nested.outer, nested.place),
    ],
    ids=["the one around it deleted", "taken out of it"],
)
@pytest.mark.parametrize("_round", ROUNDS)
def test_a_group_is_deleted_at_the_moment_in_which_its_place_in_another_goes(
    acme, alice, at_once, nested, other, _round
):
    """The place goes once, and the trail says so once."""
    told = at_once(lambda: delete_user_group(alice.actor, nested.inner), lambda: other(alice.actor, nested))
    assert told[0] == "done"
    assert told[1] in ("done", "NotFound")
    assert rows(acme, UserGroupMember) == rows(acme, UserGroup, id=nested.inner) == 0
    assert audit_trail(SimpleNamespace(kind="user_group_member", id=nested.place)) == ["user_group_member.deleted"]


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_group_is_deleted_at_the_moment_in_which_it_is_put_into_another(acme, alice, at_once, _round):
    group, other = a_group(acme), a_group(acme)
    told = at_once(
        lambda: delete_user_group(alice.actor, group),
        lambda: add_user_group_member(alice.actor, other, NewUserGroupMember(member_group_id=group)),
    )
    assert told[0] == "done"
    assert told[1] in ("done", "Conflict", "Invalid")
    assert rows(acme, UserGroupMember) == rows(acme, UserGroup, id=group) == 0


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_programs_that_are_put_into_each_other_at_once_are_no_circle(acme, alice, at_once, _round):
    one, other = a_program(alice).id, a_program(alice).id
    told = at_once(
        lambda: update_program(alice.actor, one, ProgramChanges(parent_id=other)),
        lambda: update_program(alice.actor, other, ProgramChanges(parent_id=one)),
    )
    assert told.count("done") == 1
    assert rows(acme, Program, parent_id=None) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_an_invitation_that_is_accepted_twice_at_once_makes_one_person(acme, alice, at_once, _round):
    address = f"ivy-{acme.slug}@elsewhere.example"
    invited(alice, address)
    token = token_sent_to(address)
    told = at_once(*[lambda: accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)] * 2)
    assert told.count("done") == 1
    people = db.session.scalars(select(User.user_id).where(User.email == address)).all()
    assert len(people) == 1
    assert rows(acme, ApplicationInstanceUser, user_id=people[0]) == 1
    assert rows(acme, AccessGrant, user_id=people[0]) == 1


def test_an_invitation_opens_nothing_in_the_moment_in_which_its_sender_is_let_go(acme, alice, web_app, play_stage):
    """Whoever comes by it waits until it is known whether the sender still works here."""
    dave = join(acme, "dave")
    address = f"ivy-{acme.slug}@elsewhere.example"
    invited(dave, address)
    token = token_sent_to(address)

    def come_in():
        with web_app.app_context(), fresh_session():
            be_patient()
            try:
                accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)
            except NotFound:
                return "NotFound"
            return "done"

    with psycopg.connect(play_stage.url("superuser")) as letting_go, ThreadPoolExecutor(1) as pool:
        letting_go.execute(
            "UPDATE application_instance_users SET deactivated_at = now()"
            " WHERE application_instance_id = %s AND user_id = %s",
            [acme.id, dave.user_id],
        )
        coming = pool.submit(come_in)
        await_in_line(1)
        letting_go.commit()
        assert coming.result() == "NotFound"
    afresh()
    assert db.session.scalar(select(User.user_id).where(User.email == address)) is None


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_key_that_is_rotated_twice_at_once_has_one_successor(acme, alice, at_once, _round):
    key = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import", scopes=("task.view",)))[0].id
    told = at_once(*[lambda: rotate_api_key(alice.actor, key, Rotation(overlap_hours=24))] * 2)
    assert sorted(told) == ["Conflict", "done"]
    assert rows(acme, ApiKey, replaces_id=key) == 1


MEMBERSHIP = "application_instance_users WHERE application_instance_id = %s AND user_id = %s"


@pytest.mark.parametrize(
    "come_to_a_key",
    [
        lambda actor, _key: create_api_key(actor, NewApiKey(user_id=actor.user_id, name="Another")),
        lambda actor, key: rotate_api_key(actor, key, Rotation(overlap_hours=24)),
    ],
    ids=["made", "rotated"],
)
def test_nobody_keeps_a_key_that_they_come_to_in_the_moment_in_which_they_are_let_go(
    acme, alice, one_after_another, come_to_a_key
):
    """It would open everything again on the day on which they are let back in."""
    dave = join(acme, "dave")
    key = create_api_key(dave.actor, NewApiKey(user_id=dave.user_id, name="Import"))[0].id
    told = one_after_another(
        MEMBERSHIP,
        [acme.id, dave.user_id],
        lambda: deactivate_user(alice.actor, dave.user_id),
        lambda: come_to_a_key(dave.actor, key),
    )
    assert told[0] == "done"
    assert told[1] in ("Invalid", "Conflict")
    assert rows(acme, ApiKey, user_id=dave.user_id, revoked_at=None) == 0


def test_a_key_that_is_revoked_twice_at_once_was_revoked_once(acme, alice, one_after_another):
    key = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))[0]
    told = one_after_another("api_keys WHERE id = %s", [key.id], *[lambda: revoke_api_key(alice.actor, key.id)] * 2)
    assert told == ["done", "done"]
    assert audit_trail(key) == ["api_key.created", "api_key.revoked"]


def test_who_has_just_come_by_an_invitation_is_not_invited_again(acme, alice, one_after_another):
    address = f"ivy-{acme.slug}@elsewhere.example"
    invitation = invited(alice, address)
    token = token_sent_to(address)
    told = one_after_another(
        "invitations WHERE id = %s",
        [invitation.id],
        lambda: accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT),
        lambda: invited(alice, address),
    )
    assert told == ["done", "Invalid"]
    assert audit_trail(invitation) == ["invitation.created", "invitation.accepted"]
