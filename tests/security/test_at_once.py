"""What is done twice at the same moment: as many times as one would want, and never half."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.commands.access_grants import delete_access_grant
from app.commands.api_keys import create_api_key, rotate_api_key
from app.commands.invitations import accept_invitation
from app.commands.programs import update_program
from app.commands.user_groups import add_user_group_member
from app.commands.users import deactivate_user
from app.core.actor import Visitor
from app.core.database import db, fresh_session
from app.core.errors import DomainError
from app.models.access_grants import AccessGrant
from app.models.api_keys import ApiKey
from app.models.application_instances import ApplicationInstanceUser
from app.models.programs import Program
from app.models.user_groups import UserGroupMember
from app.models.users import User
from app.schemas.api_keys import Rotation
from app.schemas.programs import ProgramChanges
from app.schemas.tenants import NewApiKey
from app.schemas.user_groups import NewUserGroupMember
from tests.cast import afresh, join, play
from tests.commands.test_invite_person import ACCOUNT, invited, token_sent_to
from tests.core.rooms import inside
from tests.factories import a_grant, a_group, a_program

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


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_groups_that_are_put_into_each_other_at_once_are_no_circle(acme, alice, at_once, _round):
    one, other = a_group(acme), a_group(acme)
    told = at_once(
        lambda: add_user_group_member(alice.actor, one, NewUserGroupMember(member_group_id=other)),
        lambda: add_user_group_member(alice.actor, other, NewUserGroupMember(member_group_id=one)),
    )
    assert told.count("done") == 1
    assert rows(acme, UserGroupMember) == 1


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


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_key_that_is_rotated_twice_at_once_has_one_successor(acme, alice, at_once, _round):
    key = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import", scopes=("task.view",)))[0].id
    told = at_once(*[lambda: rotate_api_key(alice.actor, key, Rotation(overlap_hours=24))] * 2)
    assert sorted(told) == ["Conflict", "done"]
    assert rows(acme, ApiKey, replaces_id=key) == 1
