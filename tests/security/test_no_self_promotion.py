"""Nobody comes to more than they have: not by any door, in any of the ways by which roles reach people."""

from __future__ import annotations

import random
from itertools import count

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.core.roles import PERMISSIONS, SHIPPED_ROLES
from app.queries.access import roles_given_by
from app.queries.access_roles import get_access_role
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from tests.cast import afresh, join, play
from tests.doors import Json, went_well
from tests.factories import a_grant, a_group, a_program, a_task

# Everybody but the owner, who has everything already; and somebody who may change everything, but gives few roles.
CLIMBERS = {
    "dave": "admin",
    "erin": "manager",
    "bob": "member",
    "frank": "reviewer",
    "grace": "auditor",
    "carol": "viewer",
}
MEDDLER = (
    *("access_role.view", "access_role.update", "access_grant.create", "user_group.view", "user_group.update"),
    *(
        "user.view",
        "user.invite",
        "program.view",
        "program.create",
        "program.update",
        "task.view",
        "certification.view",
    ),
    *("policy.view", "api_key.view_own", "api_key.create"),
)
_numbers = count(1)


def power(player, places):
    """All that somebody may do, in each place, and the roles that they may give there."""
    actor = play(player.organisation, player.name).actor
    may = {(name, place) for place in places for name in PERMISSIONS if actor.may(name, place)}
    may |= {(f"{name}_own", place) for name, place in may if name.endswith(".view")}  # who sees all sees their own
    for place in places:
        given = player.sees(roles_given_by, program_id=place)
        may |= {(str(role), place) for role in ({"every role"} if given is None else given)}
    return may


class Ladder:
    """An organisation in which a role lies about for somebody to take, and every way in which they could try."""

    def __init__(self, alice, climber, role, doors):
        self.climber, self.role = climber, alice.organisation.roles[role]
        self.own_role = alice.organisation.roles[CLIMBERS[climber.name]]
        self.form, self.htmx, self.api = (door(climber) for door in doors)
        self.acme = alice.organisation
        self.tree, self.shed = a_program(alice).id, a_program(alice).id
        self.task = a_task(alice, a_program(alice)).id
        self.outer, self.theirs = a_group(self.acme), a_group(self.acme, climber)
        brings = NewAccessGrant(access_role_id=self.role, user_group_id=self.outer)
        create_access_grant(alice.actor, brings)
        # Where they hold the role by the owner's will: it must not spread from there.
        a_grant(alice, role, climber, program_id=self.tree)
        afresh()
        self.allowed = list(alice.sees(get_access_role, self.role).permissions)
        self.own = alice.sees(get_access_role, self.own_role)

    @property
    def places(self):
        return (None, self.tree, self.shed)

    def tries(self):
        """Each try, by what it is called; all of them have to be refused."""
        me = self.climber.user_id
        for door in (self.form, self.htmx):
            for place in (f"/programs/{self.shed}/access", f"/tasks/{self.task}/access"):
                yield f"a grant on a page {place}", door.post(place, access_role_id=self.role, user_id=me)
            for holder in (f"/people/{me}/roles", f"/groups/{self.theirs}/roles"):
                yield f"a grant on a page {holder}", door.post(holder, access_role_id=self.role)
            yield f"into the group ({door.headers})", door.post(f"/groups/{self.outer}/members", user_id=me)
            yield "group into group", door.post(f"/groups/{self.outer}/members", member_group_id=self.theirs)
            invited = {"email": f"me-{next(_numbers)}@acme.example", "access_role_id": self.role}
            yield "an invitation", door.post("/people/invitations", **invited)
            yield (
                "the own role gives it",
                door.post(f"/roles/{self.own_role}", name=self.own.name, **{f"gives.{self.role}": "on"}),
            )
            made = {"name": f"Ladder {next(_numbers)}", f"gives.{self.role}": "on"}
            yield "a new role that gives it", door.post("/roles", **made)
            yield "a program under the tree", door.post(f"/programs/{self.shed}", parent_id=self.tree)
        yield from self._by_key(self.api)
        scopes = ("access_grant.create", "access_role.update", "user_group.update", "program.update", "user.invite")
        keyed = Json(self.api.client, self.climber)
        keyed.headers = {"Authorization": f"Bearer {self.climber.key_with(*scopes)}"}
        yield from self._by_key(keyed)

    def _by_key(self, api):
        role, me = str(self.role), {"user_id": self.climber.user_id}
        for place in ({}, {"program_id": str(self.shed)}, {"task_id": str(self.task)}):
            yield f"a grant {place}", api.send("POST", "/access-grants", {"access_role_id": role, **me, **place})
            group = {"user_group_id": str(self.theirs)}
            yield (
                f"to their group {place}",
                api.send("POST", "/access-grants", {"access_role_id": role, **group, **place}),
            )
        yield "into the group", api.send("POST", f"/user-groups/{self.outer}/members", me)
        inner = {"member_group_id": str(self.theirs)}
        yield "group into group", api.send("POST", f"/user-groups/{self.outer}/members", inner)
        gives = {"managed_role_ids": [*map(str, self.own.managed_role_ids), role]}
        yield "the own role gives it", api.send("PATCH", f"/access-roles/{self.own_role}", gives)
        yield "a new role gives it", api.send("POST", "/access-roles", {"name": f"Ladder {next(_numbers)}"} | gives)
        yield "the role itself changed", api.send("PATCH", f"/access-roles/{role}", {"permissions": []})
        if not set(self.allowed) <= set(self.own.permissions):
            more = {"permissions": sorted({*self.allowed, *self.own.permissions})}
            yield "the own role allows it", api.send("PATCH", f"/access-roles/{self.own_role}", more)
            new = {"name": f"Ladder {next(_numbers)}"} | more
            yield "a new role allows it", api.send("POST", "/access-roles", new)
        invited = {"email": f"me-{next(_numbers)}@acme.example", "access_role_id": role}
        yield "an invitation", api.send("POST", "/users/invite", invited)
        moved = {"parent_id": str(self.tree)}
        yield "a program under the tree", api.send("PATCH", f"/programs/{self.shed}", moved)


CASES = [
    (person, role)
    for person, own in CLIMBERS.items()
    for role in SHIPPED_ROLES
    if role not in (*SHIPPED_ROLES[own].manages, own)
]


@pytest.mark.parametrize(("person", "role"), CASES)
def test_no_door_leads_to_a_role_that_ones_own_does_not_manage(acme, alice, person, role, form, htmx, api):
    ladder = Ladder(alice, join(acme, person), role, (form, htmx, api))
    before = power(ladder.climber, ladder.places)
    tried = list(ladder.tries())
    assert len(tried) >= 46
    assert [name for name, answer in tried if went_well(answer)] == []
    assert {answer.status_code for _name, answer in tried} <= {403, 404, 409, 422}
    assert power(ladder.climber, ladder.places) <= before


def test_the_same_doors_open_for_who_may(acme, alice, form, htmx, api):
    """What was refused above was refused for what it would give, not for being asked wrongly."""
    ladder = Ladder(alice, join(acme, "dave"), "owner", (form, htmx, api))
    refused = {name for name, answer in ladder.tries() if not went_well(answer)}
    ladder.form, ladder.htmx, ladder.api = (door(alice) for door in (form, htmx, api))
    opened = {name for name, answer in ladder.tries() if went_well(answer)}
    assert refused - opened <= {"the role itself changed"}  # the owner's keeps everything, whoever asks


@pytest.mark.parametrize("seed", range(8))
def test_whatever_somebody_does_they_come_to_no_more(acme, alice, bob, api, seed):
    dice = random.Random(seed)
    meddler = NewAccessRole(name="Meddler", permissions=MEDDLER, managed_role_ids=(acme.roles["viewer"],))
    closer = NewAccessRole(name="Closer", permissions=("application_instance.delete",))
    for key, new in (("meddler", meddler), ("closer", closer)):
        acme.roles[key] = create_access_role(alice.actor, new).id
    climber = join(acme, dice.choice(["dave", "erin", "heidi"]))
    if climber.name == "heidi":
        a_grant(alice, "meddler", climber)
    programs = [a_program(alice, parent_id=None).id for _ in range(3)]
    programs += [a_program(alice, parent_id=dice.choice(programs)).id for _ in range(2)]
    groups = [a_group(acme, *dice.choice([(), (climber,), (bob,)])) for _ in range(4)]
    roles = list(acme.roles.values())
    for _ in range(6):
        holder = dice.choice([{"user_id": climber.user_id}, {"user_group_id": dice.choice(groups)}])
        place = {"program_id": dice.choice(programs)}
        create_access_grant(alice.actor, NewAccessGrant(access_role_id=dice.choice(roles), **holder, **place))
    for group in groups[2:]:
        create_access_grant(alice.actor, NewAccessGrant(access_role_id=dice.choice(roles[:7]), user_group_id=group))
    afresh()
    before = power(climber, (None, *programs))
    done, refused = [], []
    door = api(climber)
    for _ in range(60):
        step = a_step(dice, climber, [str(role) for role in roles], groups, programs)
        answer = door.send(*step)
        (done if went_well(answer) else refused).append((step, answer.status_code))
        assert answer.status_code < 500, step
        if went_well(answer) and step[:2] == ("POST", "/access-roles"):
            roles.append(answer.json["data"]["id"])
    may = {name for name, _place in before if _place is None}
    after = {(name, place) for name, place in power(climber, (None, *programs)) if name in PERMISSIONS}
    assert after - before == set(), done
    assert may
    assert refused


def a_step(dice, climber, roles, groups, programs):
    """Something that changes who may do what."""
    me, role, group = climber.user_id, dice.choice(roles), str(dice.choice(groups))
    holder = dice.choice([{"user_id": me}, {"user_group_id": group}])
    place = dice.choice([{}, {"program_id": str(dice.choice(programs))}])
    member = dice.choice([{"user_id": me}, {"member_group_id": str(dice.choice(groups))}])
    some = {
        "permissions": dice.sample(sorted(PERMISSIONS), dice.choice([0, 1, 2, 5])),
        "managed_role_ids": dice.sample(roles, dice.choice([0, 1, 2])),
    }
    some = {name: some[name] for name in dice.sample(sorted(some), dice.choice([1, 2]))}
    return dice.choice(
        [
            ("POST", "/access-grants", {"access_role_id": role, **holder, **place}),
            ("POST", f"/user-groups/{group}/members", member),
            ("PATCH", f"/access-roles/{role}", some),
            ("POST", "/access-roles", {"name": f"Random {next(_numbers)}"} | some),
            ("PATCH", f"/programs/{dice.choice(programs)}", {"parent_id": str(dice.choice(programs))}),
            ("POST", "/users/invite", {"email": f"r{next(_numbers)}@acme.example", "access_role_id": role}),
        ]
    )
