"""What a person may do in a place, and by which way they came to it: the one source for giving roles and explaining."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, String, Text, and_, bindparam, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import held_on, require, require_somewhere, whose
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessPermission, AccessRole
from app.models.application_instances import ApplicationInstanceUser
from app.models.programs import Program
from app.models.tasks import Task
from app.models.user_groups import UserGroup, UserGroupMember
from app.models.users import User


class HeldGrant(NamedTuple):
    """A grant that reaches a person, or a group.

    `groups` names the groups by which it does, from the person's own to the one that was given the role. `program_id`
    and `task_id` say what the role was given for: both None for the whole organisation.
    """

    grant_id: UUID
    access_role_id: UUID
    role_name: str
    manages_every_role: bool
    managed_role_ids: list[UUID]
    permissions: list[str]
    groups: list[str]
    user_group_id: UUID | None
    program_id: UUID | None
    program_name: str | None
    task_id: UUID | None
    task_number: str | None
    program_of_task_id: UUID | None
    granted_by: str | None
    created_at: datetime


class PlacedGrant(NamedTuple):
    """A grant that holds in a place: to whom, and whether for it, for a program above, or for everything."""

    grant_id: UUID
    access_role_id: UUID
    role_name: str
    user_id: int | None
    user_name: str | None
    user_group_id: UUID | None
    user_group_name: str | None
    program_id: UUID | None
    program_name: str | None
    task_id: UUID | None
    granted_by: str | None
    created_at: datetime


class Giver(NamedTuple):
    """A person or group that may give roles in a place: every role, or those of `role_ids`."""

    name: str
    every: bool
    role_ids: set[UUID]


def grants_reaching(
    actor: Actor, user_id: int, *, program_id: UUID | None = None, task_id: UUID | None = None
) -> list[HeldGrant]:
    """The grants that reach a person in a program or task, or with neither in the organisation itself. One query.

    A task lies in its program, whether that is named or not. Whoever calls this has asked for permission.
    """
    given = {"tenant": actor.tenant_id, "person": user_id, "program": program_id, "task": task_id}
    return _grants(actor, _reaching, given)


def grants_of_person(actor: Actor, user_id: int) -> list[HeldGrant]:
    """Every grant of a person, wherever it holds, direct and by groups. Whoever calls this has asked for permission."""
    return _grants(actor, _of_person, {"tenant": actor.tenant_id, "person": user_id})


def grants_of_group(actor: Actor, group_id: UUID) -> list[HeldGrant]:
    """What a group brings to who is in it: its own grants, and those of the groups that it lies in.

    Whoever calls this has asked for permission.
    """
    return _grants(actor, _of_group, {"tenant": actor.tenant_id, "group": group_id})


def _grants(actor: Actor, statement: Callable[[], Select[Any]], given: dict[str, Any]) -> list[HeldGrant]:
    """The rows of a statement of `_held`. What the actor may do where each holds is known from then on."""
    if not actor.task_roles:
        return [HeldGrant._make(row) for row in db.session.execute(statement(), given)]
    grants = []
    for *values, roles in db.session.execute(_with_roles(statement), given | whose(actor)):
        grant = HeldGrant._make(values)
        actor.on_tasks.learn({grant.program_id: (), grant.program_of_task_id: (), grant.task_id: roles})
        grants.append(grant)
    return grants


def grants_in_place(actor: Actor, *, program_id: UUID | None = None, task_id: UUID | None = None) -> list[PlacedGrant]:
    """Everybody's grants that hold in a program or on a task. Whoever calls this has asked for permission."""
    given = {"tenant": actor.tenant_id, "program": program_id, "task": task_id}
    return [PlacedGrant._make(row) for row in db.session.execute(_in_place(), given)]


def givers_in_place(actor: Actor, *, program_id: UUID | None = None, task_id: UUID | None = None) -> list[Giver]:
    """Who may give roles in a place, by name; people who have left may not.

    Whoever calls this has asked for permission. What somebody may do by several groups together is not added up: a
    group stands for itself.
    """
    given = {"tenant": actor.tenant_id, "program": program_id, "task": task_id}
    found: dict[tuple[int | None, UUID | None], tuple[Giver, bool]] = {}
    for row in db.session.execute(_giving(), given):
        before, gives = found.get((row.user_id, row.user_group_id), (Giver(row.name, False, set()), False))
        giver = Giver(row.name, before.every or row.manages_every_role, before.role_ids | set(row.managed_role_ids))
        found[row.user_id, row.user_group_id] = (giver, gives or row.gives)
    return [giver for giver, gives in found.values() if gives]


def roles_held_by_place(actor: Actor, program_id: UUID | None) -> dict[UUID, UUID]:
    """What lies in a program has from it: its grants and those of the programs above, each with the id of its role."""
    given = {"tenant": actor.tenant_id, "program": program_id, "task": None}
    query = (
        select(AccessGrant.id, AccessGrant.access_role_id)
        .where(AccessGrant.application_instance_id == bindparam("tenant"))
        .where(AccessGrant.program_id.in_(select(_places_above().c.id)))
    )
    return {row.id: row.access_role_id for row in db.session.execute(query, given)}


def programs_above(actor: Actor, program_id: UUID) -> list[Any]:
    """The programs that a program lies in, from the outermost in, itself last: id, key, name and deleted_at."""
    higher = _places_above(depth=True)
    query = (
        select(Program.id, Program.key, Program.name, Program.deleted_at)
        .join(higher, higher.c.id == Program.id)
        .order_by(higher.c.depth.desc())
    )
    return list(db.session.execute(query, {"tenant": actor.tenant_id, "program": program_id, "task": None}))


def roles_given_by(actor: Actor, *, program_id: UUID | None = None, task_id: UUID | None = None) -> set[UUID] | None:
    """The ids of the roles that the actor may give away in a place; None for every role. The system gives any."""
    if actor.user_id is None:
        return None
    held = grants_reaching(actor, actor.user_id, program_id=program_id, task_id=task_id)
    if any(grant.manages_every_role for grant in held):
        return None
    return {role_id for grant in held for role_id in grant.managed_role_ids}


def access_here(actor: Actor, *, program_id: UUID, task_id: UUID | None = None) -> list[PlacedGrant]:
    """Everybody's grants that hold in a program or on a task of it, for who may see roles there. Raises NotFound."""
    require(actor, "access_role.view", program_id, task_id)
    return grants_in_place(actor, program_id=program_id, task_id=task_id)


def roles_to_give(actor: Actor, *, program_id: UUID | None = None, task_id: UUID | None = None) -> list[Any]:
    """The roles that the actor may give in a place, or throughout the organisation, by name: for the menu of a form."""
    return _named(actor, roles_given_by(actor, program_id=program_id, task_id=task_id))


def roles_to_give_somewhere(actor: Actor) -> list[Any]:
    """The roles that the actor may give in one place or another."""
    assert actor.user_id is not None
    held = grants_of_person(actor, actor.user_id)
    every = any(grant.manages_every_role for grant in held)
    return _named(actor, None if every else {role_id for grant in held for role_id in grant.managed_role_ids})


def _named(actor: Actor, managed: set[UUID] | None) -> list[Any]:
    require_somewhere(actor, "user.view")
    query = select(AccessRole.id, AccessRole.key, AccessRole.name, AccessRole.description)
    if managed is not None:
        query = query.where(AccessRole.id.in_(managed))
    return list(
        db.session.execute(query.where(AccessRole.application_instance_id == actor.tenant_id).order_by(AccessRole.name))
    )


@cache
def _with_roles(statement: Callable[[], Select[Any]]) -> Select[Any]:
    """The same grants with the roles that somebody holds on the task of each."""
    return statement().add_columns(held_on(AccessGrant.task_id))


@cache
def _reaching() -> Select[Any]:
    return _held(_groups_of_person(), AccessGrant.user_id == _person()).where(_here())


@cache
def _of_person() -> Select[Any]:
    return _held(_groups_of_person(), AccessGrant.user_id == _person())


@cache
def _of_group() -> Select[Any]:
    return _held(_groups_of(select(UserGroup.id, _path_of(UserGroup)).where(UserGroup.id == bindparam("group"))))


@cache
def _in_place() -> Select[Any]:
    giver = aliased(User)
    return (
        select(
            AccessGrant.id,
            AccessRole.id,
            AccessRole.name,
            AccessGrant.user_id,
            User.name,
            AccessGrant.user_group_id,
            UserGroup.name,
            AccessGrant.program_id,
            Program.name,
            AccessGrant.task_id,
            giver.name,
            AccessGrant.created_at,
        )
        .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
        .outerjoin(User, User.user_id == AccessGrant.user_id)
        .outerjoin(UserGroup, UserGroup.id == AccessGrant.user_group_id)
        .outerjoin(Program, Program.id == AccessGrant.program_id)
        .outerjoin(giver, giver.user_id == AccessGrant.granted_by_user_id)
        .where(AccessGrant.application_instance_id == bindparam("tenant"), _here(), _works_here())
        .order_by(func.coalesce(User.name, UserGroup.name), AccessRole.name, AccessGrant.id)
        .limit(500)
    )


@cache
def _giving() -> Select[Any]:
    gives = (
        exists()
        .where(AccessPermission.application_instance_id == bindparam("tenant"))
        .where(AccessPermission.access_role_id == AccessRole.id, AccessPermission.permission == "access_grant.create")
    )
    works_here = (
        (ApplicationInstanceUser.application_instance_id == AccessGrant.application_instance_id)
        & (ApplicationInstanceUser.user_id == AccessGrant.user_id)
        & ApplicationInstanceUser.deactivated_at.is_(None)
    )
    name = func.coalesce(User.name, UserGroup.name)
    return (
        select(
            AccessGrant.user_id,
            AccessGrant.user_group_id,
            name.label("name"),
            AccessRole.manages_every_role,
            AccessRole.managed_role_ids,
            gives.label("gives"),
        )
        .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
        .outerjoin(ApplicationInstanceUser, works_here)
        .outerjoin(User, User.user_id == ApplicationInstanceUser.user_id)
        .outerjoin(UserGroup, UserGroup.id == AccessGrant.user_group_id)
        .where(AccessGrant.application_instance_id == bindparam("tenant"), _here())
        .where(or_(User.user_id.is_not(None), UserGroup.id.is_not(None)))
        .where(or_(AccessRole.manages_every_role, func.cardinality(AccessRole.managed_role_ids) > 0, gives))
        .order_by(name, AccessGrant.id)
        .limit(500)
    )


def _held(groups: Any, *theirs: ColumnElement[bool]) -> Select[Any]:
    """Grants to one of `groups`, and `theirs`."""
    giver, around = aliased(User), aliased(Program)
    permissions = (
        select(func.coalesce(func.array_agg(AccessPermission.permission), cast(array([]), ARRAY(Text))))
        .where(AccessPermission.access_role_id == AccessRole.id)
        .where(AccessPermission.application_instance_id == bindparam("tenant"))
        .scalar_subquery()
    )
    return (
        select(
            AccessGrant.id,
            AccessRole.id,
            AccessRole.name,
            AccessRole.manages_every_role,
            AccessRole.managed_role_ids,
            permissions,
            func.coalesce(groups.c.path, cast(array([]), ARRAY(Text))),
            AccessGrant.user_group_id,
            AccessGrant.program_id,
            Program.name,
            AccessGrant.task_id,
            around.key + "-" + cast(Task.number, String),
            Task.program_id,
            giver.name,
            AccessGrant.created_at,
        )
        .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
        .outerjoin(groups, groups.c.id == AccessGrant.user_group_id)
        .outerjoin(Program, Program.id == AccessGrant.program_id)
        .outerjoin(Task, Task.id == AccessGrant.task_id)
        .outerjoin(around, around.id == Task.program_id)
        .outerjoin(giver, giver.user_id == AccessGrant.granted_by_user_id)
        .where(AccessGrant.application_instance_id == bindparam("tenant"))
        .where(or_(*theirs, groups.c.id.is_not(None)))
        .order_by(AccessRole.name, AccessGrant.id)
    )


def _here() -> ColumnElement[bool]:
    """Whether a grant holds in the place that is asked about."""
    return or_(
        and_(AccessGrant.program_id.is_(None), AccessGrant.task_id.is_(None)),
        AccessGrant.task_id == bindparam("task"),
        AccessGrant.program_id.in_(select(_places_above().c.id)),
    )


def _works_here() -> ColumnElement[bool]:
    """Whether a grant is to a group, or to a person who was not let go: what those hold opens nothing."""
    let_go = select(ApplicationInstanceUser.user_id).where(
        ApplicationInstanceUser.application_instance_id == bindparam("tenant"),
        ApplicationInstanceUser.deactivated_at.is_not(None),
    )
    return or_(AccessGrant.user_id.is_(None), AccessGrant.user_id.not_in(let_go))


def _person() -> Any:
    return bindparam("person", type_=BigInteger)


def _path_of(group: Any) -> ColumnElement[Any]:
    return array([cast(group.name, Text)]).label("path")


def _groups_of_person() -> Any:
    return _groups_of(
        select(UserGroup.id, _path_of(UserGroup))
        .join(UserGroupMember, UserGroupMember.user_group_id == UserGroup.id)
        .where(UserGroupMember.application_instance_id == bindparam("tenant"))
        .where(UserGroupMember.user_id == _person())
    )


def _groups_of(beginning: Select[Any]) -> Any:
    """The groups of `beginning` and those that they lie in, each with the names of those that lead to it."""
    member, above = aliased(UserGroupMember), aliased(UserGroup)
    start = beginning.where(UserGroup.application_instance_id == bindparam("tenant")).cte("groups", recursive=True)
    return start.union(
        select(above.id, start.c.path.op("||")(cast(above.name, Text)))
        .join(member, member.user_group_id == above.id)
        .join(start, start.c.id == member.member_group_id)
        .where(member.application_instance_id == bindparam("tenant"))
    )


def _places_above(*, depth: bool = False) -> Any:
    """The program of the place, and those that it lies in."""
    higher = aliased(Program)
    own = select(Task.program_id).where(
        Task.application_instance_id == bindparam("tenant"), Task.id == bindparam("task")
    )
    steps = [cast(0, BigInteger).label("depth")] if depth else []
    start = (
        select(Program.id, Program.parent_id, *steps)
        .where(Program.application_instance_id == bindparam("tenant"))
        .where(or_(Program.id == bindparam("program"), Program.id.in_(own)))
        .cte("places_above", recursive=True)
    )
    return start.union(
        select(higher.id, higher.parent_id, *([start.c.depth + 1] if depth else []))
        .join(start, start.c.parent_id == higher.id)
        .where(higher.application_instance_id == bindparam("tenant"))
    )
