"""A role in one place: it opens that place and what lies below, and nothing beside it."""

from __future__ import annotations

import random
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.programs import update_program
from app.commands.task_assignments import assign_task
from app.commands.tasks import create_task, update_task
from app.core import tenancy
from app.core.actor import RolesOnTasks
from app.core.database import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.paging import Paging
from app.models.access_roles import AccessPermission, AccessRole
from app.queries.access import grants_reaching, roles_given_by
from app.queries.access_grants import list_access_grants
from app.queries.boards import get_board
from app.queries.certifications import CertificationFilters, list_certifications
from app.queries.identity import find_members
from app.queries.programs import list_programs, program_choices
from app.queries.tasks import TaskFilters, list_tasks
from app.queries.trash import deleted_tasks
from app.schemas.access_grants import NewAccessGrant
from app.schemas.programs import ProgramChanges
from app.schemas.tasks import Assignment, NewTask, TaskChanges
from tests.cast import Organisation, Player, afresh, join, play, system
from tests.factories import a_certification, a_grant, a_group, a_program, a_task
from tests.stage import url_of
from tests.trail import as_superuser


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody who belongs to acme and holds no role yet."""
    return join(acme, "dora")


GIVEN_BY = {
    "task.view": {"viewer", "reviewer", "auditor"},
    "task.comment": {"reviewer"},
    "audit_event.view": {"auditor"},
}


def now(player: Player) -> Player:
    """The same person with what they may do by now."""
    return play(player.organisation, player.name)


def names(page) -> set[str]:
    return {row.name for row in page.rows}


def tasks_of(player: Player) -> set[str]:
    return names(now(player).sees(list_tasks, TaskFilters(), Paging()))


def test_who_holds_no_role_sees_nothing_and_is_no_stranger(alice, dora, form):
    task = a_task(alice)
    assert form(dora).get("/tasks").status_code == 404
    assert form(dora).get(f"/tasks/{task.id}").status_code == 404
    with pytest.raises(NotFound):
        dora.sees(list_programs, Paging())


def test_a_role_in_a_program_opens_it_and_the_programs_below_and_none_beside(alice, dora):
    top = a_program(alice, name="Top")
    below = a_program(alice, name="Below", parent_id=top.id)
    deep = a_program(alice, name="Deep", parent_id=below.id)
    beside = a_program(alice, name="Beside")
    for program in (top, below, deep, beside):
        a_task(alice, program, name=f"In {program.name}")
    a_grant(alice, "member", dora, program_id=below.id)
    assert tasks_of(dora) == {"In Below", "In Deep"}
    assert names(now(dora).sees(list_programs, Paging())) == {"Below", "Deep"}
    assert {row.name for row in now(dora).sees(program_choices, "task.create")} == {"Below", "Deep"}
    made = create_task(now(dora).actor, NewTask(program_id=deep.id, name="Mine"))
    assert update_task(now(dora).actor, made.id, TaskChanges(name="Mine still")).name == "Mine still"
    for elsewhere in (top, beside):
        with pytest.raises(Forbidden):
            create_task(now(dora).actor, NewTask(program_id=elsewhere.id, name="Not mine"))


def test_a_role_on_a_task_opens_that_task_and_its_certifications_only(alice, dora, api):
    program = a_program(alice)
    task, other = a_task(alice, program, name="Open"), a_task(alice, program, name="Shut")
    shown, hidden = a_certification(alice, task_id=task.id), a_certification(alice, task_id=other.id)
    a_grant(alice, "viewer", dora, task_id=task.id)
    assert tasks_of(dora) == {"Open"}
    seen = now(dora).sees(list_certifications, CertificationFilters(), Paging())
    assert [row.id for row in seen.rows] == [shown]
    for path, status in ((f"/tasks/{task.id}", 200), (f"/certifications/{shown}", 200), ("/policies", 200)):
        assert api(dora).get(path).status_code == status
    for path in (f"/tasks/{other.id}", f"/certifications/{hidden}", f"/programs/{program.id}"):
        assert api(dora).get(path).status_code == 404
    assert api(dora).get("/programs").json["data"] == []
    with pytest.raises(Forbidden):
        update_task(now(dora).actor, task.id, TaskChanges(name="Only looked at"))


def test_a_group_gives_its_roles_to_its_people_and_to_the_groups_inside(alice, dora):
    outer = a_group(alice.organisation, name="Outer")
    a_group(alice.organisation, dora, name="Inner", inside=outer)
    program = a_program(alice)
    a_task(alice, program, name="For the group")
    new = NewAccessGrant(access_role_id=alice.organisation.roles["viewer"], user_group_id=outer, program_id=program.id)
    grant = create_access_grant(alice.actor, new)
    assert tasks_of(dora) == {"For the group"}
    [reached] = alice.sees(grants_reaching, dora.user_id, program_id=program.id)
    assert (reached.groups, reached.program_name) == (["Inner", "Outer"], program.name)
    delete_access_grant(alice.actor, grant.id)
    with pytest.raises(NotFound):
        tasks_of(dora)


def test_who_sees_their_own_only_sees_what_they_made_or_are_on(alice, dora, api):
    role = a_role(alice, "task.view_own", "task.update", "certification.view_own", "program.view_own", "task.create")
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role, user_id=dora.user_id))
    program = a_program(alice, name="Shared")
    a_program(alice, name="Unseen")
    mine, theirs = a_task(alice, program, name="On it"), a_task(alice, program, name="Not mine")
    assign_task(alice.actor, mine.id, Assignment(user_id=dora.user_id))
    create_task(now(dora).actor, NewTask(program_id=program.id, name="Made it"))
    assert tasks_of(dora) == {"On it", "Made it"}
    assert names(now(dora).sees(list_programs, Paging())) == {"Shared"}
    assert update_task(now(dora).actor, mine.id, TaskChanges(name="Still on it")).name == "Still on it"
    with pytest.raises(NotFound):
        update_task(now(dora).actor, theirs.id, TaskChanges(name="Guessed its id"))
    assert api(dora).get(f"/tasks/{theirs.id}").status_code == 404
    assert api(dora).get("/trash").status_code == 404
    assert now(dora).sees(deleted_tasks) == []


def test_nobody_gives_a_role_that_theirs_does_not_manage(alice, acme, dora):
    manager, program, beside = join(acme, "eve"), a_program(alice), a_program(alice)
    a_grant(alice, "manager", manager, program_id=program.id)
    manager = now(manager)
    given, here, there = a_grant(manager, "member", dora, program_id=program.id).id, program.id, beside.id
    for role, place in (
        ("owner", {"program_id": here}),
        ("manager", {"program_id": here}),
        ("member", {"program_id": there}),
        ("member", {}),
    ):
        with pytest.raises((Forbidden, Invalid)):
            a_grant(manager, role, dora, **place)
        with pytest.raises((Forbidden, Invalid)):
            a_grant(manager, role, manager, **place)
    assert manager.sees(roles_given_by) == set()
    assert manager.sees(roles_given_by, program_id=here) == {
        acme.roles[key] for key in ("member", "reviewer", "viewer")
    }
    assert alice.sees(roles_given_by) is None
    delete_access_grant(manager.actor, given)


def test_nobody_comes_to_power_by_moving_programs(alice, acme, dora):
    """Putting somebody else's program below one's own would make its roles hold there."""
    mine, theirs = a_program(alice), a_program(alice)
    a_grant(alice, "manager", dora, program_id=mine.id)
    a_grant(alice, "member", dora, program_id=theirs.id)
    with pytest.raises(Forbidden):
        update_program(now(dora).actor, theirs.id, ProgramChanges(parent_id=mine.id))
    assert update_program(alice.actor, theirs.id, ProgramChanges(parent_id=mine.id)).parent_id == mine.id


def test_no_program_comes_to_lie_in_itself(alice):
    top = a_program(alice).id
    below = a_program(alice, parent_id=top).id
    for parent in (below, top):
        with pytest.raises(Invalid) as refused:
            update_program(alice.actor, top, ProgramChanges(parent_id=parent))
        assert list(refused.value.fields) == ["parent_id"]


def test_one_query_tells_all_that_a_person_may_do(alice, dora, count_queries, form):
    """However many grants: the statement that finds the session is the one that finds them."""
    program = a_program(alice)
    tasks = [a_task(alice, program) for _ in range(3)]
    browser = form(dora)
    a_grant(alice, "viewer", dora, task_id=tasks[0].id)
    few = count_queries(lambda: browser.get("/tasks"))
    for task in tasks[1:]:
        a_grant(alice, "viewer", dora, task_id=task.id)
    a_grant(alice, "member", dora, program_id=program.id)
    assert count_queries(lambda: browser.get("/tasks")) == few


@pytest.mark.parametrize("seed", range(6))
def test_what_the_door_tells_is_what_a_slow_count_finds(acme, alice, dora, seed):
    """Random programs, groups and grants: the database's way of adding them up, against twenty lines of Python."""
    dice = random.Random(seed)
    programs: list[UUID] = []
    above: dict[UUID, UUID | None] = {}
    for _ in range(8):
        parent = dice.choice([None, *programs])
        programs.append(a_program(alice, parent_id=parent).id)
        above[programs[-1]] = parent
    groups: list[UUID] = []
    inside: dict[UUID, UUID | None] = {}
    for _ in range(4):
        outer = dice.choice([None, *groups])
        groups.append(a_group(acme, *dice.choice([(), (dora,)]), inside=outer))
        inside[groups[-1]] = outer
    theirs = "SELECT user_group_id FROM user_group_members WHERE user_id = %s AND application_instance_id = %s"
    members = {row.user_group_id for row in as_superuser(theirs, dora.user_id, acme.id)}
    grants = []
    for _ in range(6):
        holder = dice.choice([{"user_id": dora.user_id}, {"user_group_id": dice.choice(groups)}])
        role, place = dice.choice(["viewer", "reviewer", "auditor"]), dice.choice([None, *programs])
        new = NewAccessGrant(access_role_id=acme.roles[role], program_id=place, **holder)
        create_access_grant(system(acme), new)
        grants.append((holder, role, place))

    def chain(start, higher):
        while start is not None:
            yield start
            start = higher[start]

    mine = {group for start in members for group in chain(start, inside)}
    for program in programs:
        reaching = {
            role
            for holder, role, place in grants
            if (holder.get("user_id") or holder["user_group_id"] in mine)
            and (place is None or place in chain(program, above))
        }
        told = {grant.role_name.lower() for grant in alice.sees(grants_reaching, dora.user_id, program_id=program)}
        assert told == reaching
        actor = now(dora).actor
        for permission, roles in GIVEN_BY.items():
            assert actor.may(permission, program) == bool(roles & reaching)


def a_role(player: Player, *permissions: str) -> UUID:
    """A role of the organisation's own."""
    with tenancy.entered(db.session, player.organisation.id):
        role = AccessRole(id=new_id(), key="own", name="Own only")
        db.session.add(role)
        db.session.flush()
        db.session.add_all(
            AccessPermission(
                application_instance_id=player.organisation.id, access_role_id=role.id, permission=permission
            )
            for permission in permissions
        )
        db.session.commit()
    return role.id


def test_a_role_on_single_tasks_costs_no_more_than_one_in_a_program(alice, acme, form, api, count_queries):
    """What the address names is told at the door; lists are narrowed without anybody's telling all the tasks, and bring
    along what may be done with each row."""
    program = a_program(alice)
    task, *others = (a_task(alice, program) for _ in range(4))
    certification = a_certification(alice, task_id=task.id)
    paths = ("/tasks", f"/tasks/{task.id}", f"/certifications/{certification}", "/certifications")
    costs = {}
    for name, place in (("dora", {"program_id": program.id}), ("heidi", {"task_id": task.id})):
        person = join(acme, name)
        a_grant(alice, "member", person, **place)
        for other in others if "task_id" in place else ():
            a_grant(alice, "member", person, task_id=other.id)
        for door in (form(now(person)), api(now(person))):
            for path in paths:
                assert door.get(path).status_code == 200, path
            costs[name, type(door)] = [count_queries(lambda path=path, door=door: door.get(path)) for path in paths]
    for kind in (type(form(alice)), type(api(alice))):
        assert costs["heidi", kind] == costs["dora", kind]


def test_what_one_may_do_with_each_task_of_a_program_is_asked_for_nowhere_else(alice, acme, form, count_queries):
    """A page says of each row or card what may be done with it, also by somebody who may do so with some alone."""
    program = a_program(alice)
    tasks = [a_task(alice, program, name=f"Task {number}") for number in range(4)]
    watching, working = join(acme, "dora"), join(acme, "heidi")
    for person in (watching, working):
        a_grant(alice, "viewer", person, program_id=program.id)
    a_grant(alice, "member", watching, program_id=a_program(alice).id)
    for task in tasks[:2]:
        a_grant(alice, "member", working, task_id=task.id)
    for path in (f"/programs/{program.id}", f"/programs/{program.id}/board"):
        costs = []
        for person in (watching, working):
            door = form(now(person))
            page = door.get(path)
            costs.append(count_queries(lambda path=path, door=door: door.get(path)))
            given = [f"/tasks/{task.id}/assignment" in page.text for task in tasks]
            assert given == [person is working and task in tasks[:2] for task in tasks], path
        assert costs[0] == costs[1], path


def test_roles_on_single_tasks_reach_through_groups_within_groups(alice, acme, dora, form):
    tasks = [a_task(alice, name=f"Task {number}") for number in range(3)]
    outer = a_group(acme, name="Outer")
    a_group(acme, dora, name="Inner", inside=outer)
    for task in tasks[:2]:
        new = NewAccessGrant(access_role_id=acme.roles["reviewer"], user_group_id=outer, task_id=task.id)
        create_access_grant(alice.actor, new)
    assert tasks_of(dora) == {"Task 0", "Task 1"}
    pages = form(now(dora))
    assert pages.post(f"/tasks/{tasks[0].id}/comments", body="Seen").status_code == 303
    assert pages.post(f"/tasks/{tasks[0].id}/deletion").status_code == 403
    assert pages.get(f"/tasks/{tasks[2].id}").status_code == 404


def test_a_key_tells_on_which_tasks_its_person_holds_a_role(alice, acme, dora, api):
    tasks = [a_task(alice) for _number in range(3)]
    for task in tasks[:2]:
        a_grant(alice, "viewer", dora, task_id=task.id)
    (place,) = api(now(dora)).get("/auth").json["data"]["permissions_in_places"]
    assert place["place_ids"] == sorted(str(task.id) for task in tasks[:2])
    assert "task.view" in place["permissions"]


def seen_by(actor, program):
    """Everything that somebody sees of what has to do with tasks, kind by kind."""
    with tenancy.entered(db.session, actor.tenant_id):
        cards = [card.id for column in get_board(actor, program) for card in column.cards]
        return {
            "tasks": [row.id for row in list_tasks(actor, TaskFilters(), Paging()).rows],
            "cards": cards,
            "certifications": [row.id for row in list_certifications(actor, CertificationFilters(), Paging()).rows],
            "grants": [row.id for row in list_access_grants(actor, Paging()).rows],
        }


def test_of_many_single_tasks_one_sees_the_same_as_of_a_few(alice, acme, dora):
    """Somebody with thousands of them has lists narrowed in another way: what they see does not depend on it."""
    program = a_program(alice)
    tasks = [a_task(alice, program, name=f"Task {number}") for number in range(4)]
    own = a_role(alice, "task.view_own", "certification.view_own", "access_role.view")
    group = a_group(acme, dora)
    for task, role, holder in (
        (tasks[0], own, {"user_id": dora.user_id}),
        (tasks[1], acme.roles["member"], {"user_group_id": group}),
        (tasks[2], acme.roles["auditor"], {"user_id": dora.user_id}),
    ):
        create_access_grant(system(acme), NewAccessGrant(access_role_id=role, task_id=task.id, **holder))
        a_certification(alice, task_id=task.id)
    assign_task(alice.actor, tasks[0].id, Assignment(user_id=dora.user_id))
    afresh()
    few = now(dora).actor
    many = replace(few, on_tasks=RolesOnTasks(known=few.on_tasks.known, are_many=True))
    assert not few.on_tasks.are_many
    told = seen_by(few, program.id)
    assert seen_by(many, program.id) == told
    assert set(told["tasks"]) == set(told["cards"]) == {task.id for task in tasks[:3]}
    assert len(told["certifications"]) == 2
    assert len(told["grants"]) == 3


def test_the_door_tells_that_somebody_holds_roles_on_thousands_of_tasks(alice, acme, dora):
    task = a_task(alice)
    a_grant(alice, "viewer", dora, task_id=task.id)
    assert not now(dora).actor.on_tasks.are_many
    with psycopg.connect(url_of(db.engine.url.database, "superuser")) as connection:
        connection.execute(
            """WITH made AS (INSERT INTO user_groups
                       (id, application_instance_id, name, description, version, created_at, updated_at)
                   SELECT gen_random_uuid(), %(tenant)s, 'Many ' || n, '', 1, now(), now()
                   FROM generate_series(1, 300) AS n RETURNING id),
               placed AS (INSERT INTO user_group_members
                       (id, application_instance_id, user_group_id, user_id, created_at)
                   SELECT gen_random_uuid(), %(tenant)s, id, %(person)s, now() FROM made)
               INSERT INTO access_grants
                       (id, application_instance_id, access_role_id, user_group_id, task_id, created_at)
                   SELECT gen_random_uuid(), %(tenant)s, role.id, made.id, %(task)s, now()
                   FROM made, access_roles AS role
                   WHERE role.application_instance_id = %(tenant)s""",
            {"tenant": acme.id, "person": dora.user_id, "task": task.id},
        )
    actor = now(dora).actor
    assert actor.on_tasks.are_many
    assert actor.may("task.delete", task.program_id, task.id)
    assert find_members(acme.id, [dora.user_id])[dora.user_id].on_tasks.are_many


def test_what_is_found_out_about_a_task_is_asked_once(alice, acme, dora, count_queries):
    task, other = a_task(alice), a_task(alice)
    a_grant(alice, "member", dora, task_id=task.id)
    actor = now(dora).actor
    asked = count_queries(lambda: [actor.may("task.update", task.program_id, task.id) for _time in range(3)])
    assert asked == 3  # into the organisation, the look, and out again; in a request one is in it already
    assert count_queries(lambda: actor.may("task.comment", task.program_id, task.id)) == 0
    assert not actor.may("task.update", other.program_id, other.id)
    assert not actor.may("user.invite", task.program_id, task.id)
