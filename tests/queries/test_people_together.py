"""What many may do is asked together: to each of them the answer is the one that they would get alone."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text, update

from app.commands.access_grants import create_access_grant
from app.core import clock, tenancy
from app.core.database import db
from app.core.ids import new_id
from app.models.application_instances import ApplicationInstanceUser
from app.models.users import User
from app.queries.identity import allowed_by, find_members, find_roles, roles_from
from app.schemas.access_grants import NewAccessGrant
from tests import cast
from tests.factories import a_certification, a_grant, a_group, a_program, a_task
from tests.security.newcomers import newcomer

SCOPES = frozenset({"task.update", "program.view"})  # of a key


@pytest.fixture
def place(acme, alice):
    """A program in a program, tasks in both and beside them, and a certification of one."""

    class Place:
        def __init__(self):
            self.outer = a_program(alice, name="Outer").id
            self.inner = a_program(alice, name="Inner", parent_id=self.outer).id
            self.task, self.other = (a_task(alice, alice.program(self.inner)).id for _ in range(2))
            self.certification = a_certification(alice, settled=False, task_id=self.task)

    place = Place()
    cast.afresh()
    return place


@pytest.fixture
def everybody(acme, alice, bob, carol, mallory, place):
    """People of each kind that there is, by what they are."""
    kinds = ("on a program", "on one task", "on two tasks", "in a group", "in a group within a group", "nothing")
    people = {kind: newcomer(acme, None) for kind in kinds}
    people |= {"owner": alice, "member": bob, "viewer": carol, "of another organisation": mallory}
    people |= {kind: newcomer(acme) for kind in ("alike", "alike too", "deactivated", "left", "with much")}
    a_grant(alice, "member", people["on a program"], program_id=place.outer)
    for role, kind, task in [
        ("viewer", "on one task", place.task),
        ("viewer", "on two tasks", place.task),
        ("reviewer", "on two tasks", place.task),
        ("viewer", "on two tasks", place.other),
        ("admin", "with much", place.task),
    ]:
        a_grant(alice, role, people[kind], task_id=task)
    a_grant(alice, "auditor", people["with much"], program_id=place.inner)
    a_grant(alice, "auditor", people["with much"], program_id=place.outer)
    outer = a_group(acme, people["in a group"], people["with much"])
    inner = a_group(acme, people["in a group within a group"], people["with much"], inside=outer)
    for group, role, where in [
        (outer, "manager", {"program_id": place.inner}),
        (outer, "viewer", {"task_id": place.other}),
        (inner, "reviewer", {"task_id": place.task}),
        (inner, "reviewer", {}),
    ]:
        create_access_grant(alice.actor, NewAccessGrant(access_role_id=acme.roles[role], user_group_id=group, **where))
    with tenancy.entered(db.session, acme.id):
        members = update(ApplicationInstanceUser).values(deactivated_at=clock.now())
        db.session.execute(members.where(ApplicationInstanceUser.user_id == people["left"].user_id))
        users = update(User).values(deactivated_at=clock.now())
        db.session.execute(users.where(User.user_id == people["deactivated"].user_id))
        db.session.commit()
    return people


def plain(told):
    """What is told of somebody, whatever the order in which it is."""
    if told is None:
        return None
    roles = {role["id"]: role | {key: sorted(role[key]) for key in ("permissions", "places")} for role in told["roles"]}
    assert len(roles) == len(told["roles"])
    names = [role["name"] for role in told["roles"]]
    known = {place: sorted(held) for place, held in told["known"].items()}
    return {"many_tasks": told["many_tasks"], "groups": sorted(told["groups"]), "known": known, "roles": roles}, names


def alone(tenant_id, user_id, asked):
    """What the door tells of one person, in a transaction of its own."""
    cast.afresh()
    return db.session.scalar(select(func.enter_application_instance(tenant_id, user_id, asked)))


def together(tenant_id, user_ids, asked):
    """What is told of many, by person."""
    cast.afresh()
    given = {"tenant": tenant_id, "people": user_ids, "asked": asked}
    rows = db.session.execute(text("SELECT * FROM roles_of_people(:tenant, :people, :asked)"), given).all()
    told = {user_id: row.told for row in rows for user_id in row.alike}
    assert len(told) == sum(len(row.alike) for row in rows), "nobody is told of twice"
    return told, rows


def test_each_of_many_is_told_what_they_would_be_told_alone(acme, everybody, place):
    ids = {kind: player.user_id for kind, player in everybody.items()}
    for asked in ([], [place.task], [place.task, place.other], [place.certification], [new_id()]):
        told, rows = together(acme.id, list(ids.values()), asked)
        for kind, user_id in ids.items():
            assert plain(told.get(user_id)) == plain(alone(acme.id, user_id, asked)), kind
        alike = {ids["member"], ids["alike"], ids["alike too"]}
        assert [alike <= set(row.alike) for row in rows].count(True) == 1
        assert not {ids["left"], ids["of another organisation"]} & told.keys()


def powers(allowed):
    """What is allowed, as one may compare it."""
    places = {name: set(allowed[name]) for name in ("local_roles", "task_roles")}
    return places | {name: allowed[name] for name in ("permissions", "group_ids", "role_names")}


def test_each_of_many_may_do_what_they_may_do_alone_be_it_with_a_key(acme, everybody, place):
    ids = {kind: player.user_id for kind, player in everybody.items()}
    cast.afresh()
    members = find_members(acme.id, ids.values(), [place.task])
    assert {kind for kind in ids if ids[kind] not in members} == {"deactivated", "left", "of another organisation"}
    told, _rows = together(acme.id, list(ids.values()), [place.task])
    for kind, user_id in ids.items():
        if user_id in members:
            cast.afresh()
            member, held = members[user_id], find_roles(acme.id, user_id)
            own = allowed_by(held)
            assert powers({name: getattr(member, name) for name in own}) == powers(own), kind
            scoped = (allowed_by(each, SCOPES) for each in (roles_from(told[user_id], acme.id, user_id), held))
            assert powers(next(scoped)) == powers(next(scoped)), kind
            places = [place.task, place.other, place.inner]
            assert member.on_tasks.held_in(places) == own["on_tasks"].held_in(places), kind


def test_nobody_is_in_an_organisation_since_others_were_asked_about(acme, alice):
    cast.afresh()
    assert find_members(acme.id, [alice.user_id])
    assert db.session.scalar(text("SELECT current_setting('oversing.tenant', true)")) == ""
