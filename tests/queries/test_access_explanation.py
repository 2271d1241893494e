"""Why somebody may do something: the explanation says what happens, and names the way by which it does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.api_keys import create_api_key
from app.commands.task_assignments import assign_task
from app.commands.tasks import create_task, delete_task
from app.commands.users import deactivate_user
from app.core import tenancy
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import Forbidden, Invalid, InvalidParameter, NotFound
from app.core.ids import new_id
from app.core.paging import Paging
from app.core.permissions import fetch
from app.models.access_roles import AccessPermission, AccessRole
from app.models.programs import Program
from app.models.tasks import Task
from app.queries.access_explanation import explain_access, find_thing
from app.queries.identity import allowed_by, find_roles
from app.queries.programs import list_programs
from app.queries.tasks import TaskFilters, list_tasks
from app.schemas.access_grants import NewAccessGrant
from app.schemas.tasks import Assignment, NewTask
from app.schemas.tenants import NewApiKey
from tests.cast import Organisation, Player, join, play, system
from tests.factories import a_certification, a_grant, a_group, a_program, a_task

ROLES = {
    "looks": {"task.view", "program.view"},
    "edits": {"task.view", "task.update", "program.view", "program.update"},
    "own": {"task.view_own", "task.update", "program.view_own"},
    "blind": {"task.update", "task.comment"},
}
ASKED = {Task: ("task.view", "task.update", "task.comment"), Program: ("program.view", "program.update")}
SCOPES = (("*",), ("task.update",), ("task.comment", "program.view"))


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody who belongs to acme and holds no role yet."""
    return join(acme, "dora")


def why(asker: Player, person: Player, permission: str, **about: Any):
    return asker.sees(explain_access, person.user_id, permission, **about)


def a_role(organisation: Organisation, name: str, permissions: set[str]) -> UUID:
    """A role of the organisation's own."""
    with tenancy.entered(db.session, organisation.id):
        role = AccessRole(id=new_id(), key=name, name=name)
        db.session.add(role)
        db.session.flush()
        here = {"application_instance_id": organisation.id, "access_role_id": role.id}
        db.session.add_all(AccessPermission(**here, permission=permission) for permission in permissions)
        db.session.commit()
    return role.id


def test_a_role_given_further_up_to_a_group_is_named_with_the_whole_way(alice, acme, dora):
    outer = a_group(acme, name="Outer")
    a_group(acme, dora, name="Inner", inside=outer)
    top = a_program(alice, name="Top")
    task = a_task(alice, a_program(alice, parent_id=top.id))
    create_access_grant(
        alice.actor, NewAccessGrant(access_role_id=acme.roles["viewer"], user_group_id=outer, program_id=top.id)
    )
    found = why(alice, dora, "task.view", task_id=task.id)
    assert found.granted
    [step] = found.steps
    [way] = step.ways
    assert (way.role_name, way.groups, way.program_name) == ("Viewer", ["Inner", "Outer"], "Top")
    lacking = why(alice, dora, "task.update", task_id=task.id)
    assert (lacking.granted, lacking.reason, lacking.failed.permission) == (False, "roles_lack_it", "task.update")
    assert [way.role_name for way in lacking.held] == ["Viewer"]


def test_a_denial_says_which_roles_would_do_and_who_could_give_them_here(alice, acme, dora):
    program = a_program(alice)
    erin = join(acme, "leader")
    a_grant(alice, "manager", erin, program_id=program.id)
    found = why(alice, dora, "task.update", task_id=a_task(alice, program).id)
    assert found.reason == "no_role_here"
    givers = {remedy.role_name: remedy.givers for remedy in found.remedies}
    assert givers == {
        "Owner": ["Alice"],
        "Admin": ["Alice"],
        "Manager": ["Alice"],
        "Member": ["Alice", "Leader"],
    }
    assert why(alice, dora, "program.delete").remedies[0].givers == ["Alice"]


def test_who_sees_their_own_only_is_told_whether_this_is_theirs(alice, acme, dora):
    role = a_role(acme, "own", {"task.view_own", "certification.view_own", "certification.create", "task.update"})
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role, user_id=dora.user_id))
    mine, theirs = a_task(alice), a_task(alice)
    assign_task(alice.actor, mine.id, Assignment(user_id=dora.user_id))
    asked = a_certification(play(acme, "dora"))
    assert (why(alice, dora, "task.update", task_id=mine.id).own_as, why(alice, dora, "task.view").reason) == (
        "assigned",
        "only_own",
    )
    assert why(alice, dora, "task.update", task_id=mine.id).granted
    assert why(alice, dora, "task.update", task_id=theirs.id).reason == "only_own"
    found = why(alice, dora, "certification.view", certification_id=asked)
    assert (found.granted, found.own_as, found.steps[0].by_own) == (True, "requested", True)
    assert why(alice, dora, "certification.view", certification_id=a_certification(alice)).reason == "only_own"


def test_who_was_let_go_may_do_nothing_whatever_they_hold(alice, bob):
    task = a_task(alice)
    assert why(alice, bob, "task.view", task_id=task.id).granted
    deactivate_user(alice.actor, bob.user_id)
    found = why(alice, bob, "task.view", task_id=task.id)
    assert (found.reason, [way.role_name for way in found.held]) == ("deactivated", ["Member"])


def test_a_key_that_lacks_it_is_told_apart_from_roles_that_do(alice, bob, carol):
    task = a_task(alice)
    key = create_api_key(bob.actor, NewApiKey(user_id=bob.user_id, name="Reads", scopes=("task.view",)))[0]
    assert why(alice, bob, "task.view", task_id=task.id, api_key_id=key.id).granted
    assert why(alice, bob, "task.update", task_id=task.id, api_key_id=key.id).reason == "key_lacks_it"
    assert why(alice, bob, "program.update", task_id=None, api_key_id=key.id).reason == "key_lacks_it"
    with pytest.raises(NotFound):  # somebody else's
        why(alice, carol, "task.view", task_id=task.id, api_key_id=key.id)


def test_nobody_learns_of_what_they_may_not_see(alice, acme, dora, mallory):
    mine, beside = a_program(alice, name="Mine"), a_program(alice)
    inner = a_program(alice, name="Inner", parent_id=mine.id)
    a_grant(alice, "viewer", dora, program_id=inner.id)
    a_grant(alice, "member", dora, program_id=mine.id)
    guest = join(acme, "guest")
    a_grant(alice, "viewer", guest, program_id=inner.id)
    guest = play(acme, "guest")
    found = why(guest, dora, "task.view", program_id=inner.id)
    assert {way.program_name for way in found.held} == {"Inner", None}
    deleted = a_task(alice)
    delete_task(alice.actor, deleted.id)
    for asker, about in (
        (guest, {"program_id": mine.id}),
        (guest, {"program_id": beside.id}),
        (guest, {}),
        (dora, {"program_id": inner.id}),
        (alice, {"task_id": deleted.id}),
        (alice, {"program_id": a_program(mallory).id}),
    ):
        with pytest.raises(NotFound):
            why(asker, dora, "task.view", **about)
    with pytest.raises(NotFound):
        why(alice, mallory, "task.view")


@pytest.mark.parametrize(("permission", "at"), [("task.fly", 0), ("task.view_own", 0), ("user.invite", 1)])
def test_what_is_not_decided_there_is_not_answered(alice, permission, at):
    about = {"task_id": a_task(alice).id} if at else {}
    with pytest.raises(InvalidParameter):
        why(alice, alice, permission, **about)


def test_a_thing_is_found_by_key_number_or_id(alice, mallory):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    certification = a_certification(alice)
    number = alice.certification(certification).certification_number
    for text, about in (
        ("ops", {"program_id": program.id}),
        ("OPS-1", {"task_id": task.id}),
        (str(task.id), {"task_id": task.id}),
        (number, {"certification_id": certification}),
    ):
        assert alice.sees(find_thing, text) == about
    for text in ("OPS-2", "NONE", "-", str(a_program(mallory).id), "OPS-٣"):
        with pytest.raises(Invalid):
            alice.sees(find_thing, text)


@dataclass
class Dealt:
    """A random organisation around one person, as Python knows it."""

    above: dict[UUID, UUID | None] = field(default_factory=dict)
    inside: dict[UUID, UUID | None] = field(default_factory=dict)
    joined: set[UUID] = field(default_factory=set)
    tasks: dict[UUID, UUID] = field(default_factory=dict)
    own: set[UUID] = field(default_factory=set)
    grants: list[tuple[UUID | None, str, UUID | None]] = field(default_factory=list)

    def allows(self, thing: UUID, permission: str, scopes: tuple[str, ...]) -> bool:
        """The oracle: what the documentation says, in as many words."""
        program = self.tasks.get(thing, thing)
        places = {None, thing, *chain(program, self.above)}
        groups = {each for group in self.joined for each in chain(group, self.inside)}
        held = {
            each
            for group, role, place in self.grants
            if (group is None or group in groups) and place in places
            for each in ROLES[role]
            if "*" in scopes or each in scopes or (each.split(".")[0], each.split(".")[1][:4]) in kinds_of(scopes)
        }
        viewing = f"{permission.partition('.')[0]}.view"
        is_own = thing in self.own if thing in self.tasks else any(self.tasks[task] == thing for task in self.own)
        return (viewing in held or (is_own and f"{viewing}_own" in held)) and permission in held | {viewing}


def kinds_of(scopes: tuple[str, ...]) -> set[tuple[str, str]]:
    """A scope for a kind of thing includes seeing it."""
    return {(scope.split(".")[0], "view") for scope in scopes}


def chain(start: UUID | None, higher: dict[UUID, UUID | None]):
    while start is not None:
        yield start
        start = higher[start]


def deal(dice: random.Random, alice: Player, dora: Player) -> Dealt:
    """Programs in programs, groups in groups, tasks of one's own and of others, grants of every shape."""
    acme, dealt = alice.organisation, Dealt()
    roles = {name: a_role(acme, name, permissions) for name, permissions in ROLES.items()}
    for _ in range(5):
        parent = dice.choice([None, *dealt.above])
        dealt.above[a_program(alice, parent_id=parent).id] = parent
    for _ in range(3):
        outer, members = dice.choice([None, *dealt.inside]), dice.choice([(), (dora,)])
        group = a_group(acme, *members, inside=outer)
        dealt.inside[group] = outer
        dealt.joined |= {group} if members else set()
    as_dora = replace(system(acme), user_id=dora.user_id)
    for _ in range(6):
        program, how = dice.choice([*dealt.above]), dice.choice(["theirs", "theirs", "made", "assigned"])
        new = NewTask(program_id=program, name="A task")
        task = create_task(as_dora if how == "made" else alice.actor, new).id
        dealt.tasks[task] = program
        dealt.own |= set() if how == "theirs" else {task}
        if how == "assigned":
            assign_task(alice.actor, task, Assignment(user_id=dora.user_id))
    for _ in range(dice.randint(1, 5)):
        group, role = dice.choice([None, None, *dealt.inside]), dice.choice([*ROLES])
        place = dice.choice([None, *dealt.above, *dealt.tasks])
        holder = {"user_id": dora.user_id} if group is None else {"user_group_id": group}
        where = {} if place is None else {"task_id" if place in dealt.tasks else "program_id": place}
        create_access_grant(system(acme), NewAccessGrant(access_role_id=roles[role], **holder, **where))
        dealt.grants.append((group, role, place))
    return dealt


def as_key(dora: Player, scopes: tuple[str, ...]) -> Player:
    """Dora as a program with a key of hers."""
    with tenancy.entered(db.session, dora.organisation.id):
        roles = find_roles(dora.organisation.id, dora.user_id)
    return replace(dora, actor=replace(dora.actor, **allowed_by(roles or [], frozenset(scopes))))


def seen_by(player: Player) -> set[UUID]:
    """The ids of all that lists show."""
    found: set[UUID] = set()
    for query, given in ((list_tasks, (TaskFilters(), Paging())), (list_programs, (Paging(),))):
        try:
            found |= {row.id for row in player.sees(query, *given).rows}
        except NotFound:
            continue
    return found


def explain_all(asker: Actor, person: Player, key: UUID, asked: list[tuple[Any, UUID, str]]) -> list[Any]:
    return [
        explain_access(asker, person.user_id, permission, api_key_id=key, **{f"{model.kind}_id": thing})
        for model, thing, permission in asked
    ]


def are_let(actor: Actor, asked: list[tuple[Any, UUID, str]]) -> list[bool]:
    return [is_let(actor, *each) for each in asked]


def is_let(actor: Actor, model: Any, thing: UUID, permission: str) -> bool:
    try:
        fetch(actor, model, thing, permission)
    except (Forbidden, NotFound):
        return False
    return True


@pytest.mark.parametrize("seed", range(8))
def test_explanation_door_list_and_oracle_say_the_same(alice, dora, seed):
    dice = random.Random(seed)
    dealt = deal(dice, alice, dora)
    verdicts = set()
    for scopes in SCOPES:
        program = as_key(dora, scopes)
        new = NewApiKey(user_id=dora.user_id, name="Key", scopes=scopes)
        key = create_api_key(system(alice.organisation), new)[0].id
        listed = seen_by(program)
        things = [*product([Task], dealt.tasks), *product([Program], dealt.above)]
        asked = [(model, thing, permission) for model, thing in things for permission in ASKED[model]]
        explained = alice.sees(explain_all, dora, key, asked)
        opened = program.sees(are_let, asked)
        for (_model, thing, permission), told, let in zip(asked, explained, opened, strict=True):
            expected = dealt.allows(thing, permission, scopes)
            assert let == expected, (scopes, permission)
            assert told.granted == expected, (scopes, permission, told)
            assert (told.failed is None) == expected
            if permission.endswith(".view"):
                assert (thing in listed) == expected
            verdicts.add(expected)
    assert False in verdicts
