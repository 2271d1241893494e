"""What a person may do in a place, and by which way they came to it: the one source for giving roles and explaining."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, and_, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require_somewhere
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.programs import Program
from app.models.tasks import Task
from app.models.user_groups import UserGroup, UserGroupMember


class HeldGrant(NamedTuple):
    """A grant that reaches a person in a place.

    `groups` names the groups by which it does, from the person's own to the one that was given the role. `program_id`
    and `task_id` say what the role was given for: both None for the whole organisation.
    """

    grant_id: UUID
    access_role_id: UUID
    role_name: str
    manages_every_role: bool
    managed_role_ids: list[UUID]
    groups: list[str]
    program_id: UUID | None
    program_name: str | None
    task_id: UUID | None


def grants_reaching(
    actor: Actor, user_id: int, *, program_id: UUID | None = None, task_id: UUID | None = None
) -> list[HeldGrant]:
    """The grants that reach a person in a program or task, or with neither in the organisation itself. One query.

    A task lies in its program, whether that is named or not. Whoever calls this has asked for permission.
    """
    given = {"tenant": actor.tenant_id, "person": user_id, "program": program_id, "task": task_id}
    return [HeldGrant._make(row) for row in db.session.execute(_reaching(), given)]


def roles_given_by(actor: Actor, *, program_id: UUID | None = None, task_id: UUID | None = None) -> set[UUID] | None:
    """The ids of the roles that the actor may give away in a place; None for every role. The system gives any."""
    if actor.user_id is None:
        return None
    held = grants_reaching(actor, actor.user_id, program_id=program_id, task_id=task_id)
    if any(grant.manages_every_role for grant in held):
        return None
    return {role_id for grant in held for role_id in grant.managed_role_ids}


def roles_to_give(actor: Actor) -> list[Any]:
    """The roles that the actor may give throughout the organisation, by name: for the menu of a form."""
    require_somewhere(actor, "user.view")
    query = select(AccessRole.id, AccessRole.key, AccessRole.name, AccessRole.description)
    managed = roles_given_by(actor)
    if managed is not None:
        query = query.where(AccessRole.id.in_(managed))
    return list(
        db.session.execute(query.where(AccessRole.application_instance_id == actor.tenant_id).order_by(AccessRole.name))
    )


@cache
def _reaching() -> Select[Any]:
    groups, places = _groups_of_person(), _places_above()
    in_place = or_(
        and_(AccessGrant.program_id.is_(None), AccessGrant.task_id.is_(None)),
        AccessGrant.task_id == bindparam("task"),
        AccessGrant.program_id.in_(select(places.c.id)),
    )
    return (
        select(
            AccessGrant.id,
            AccessRole.id,
            AccessRole.name,
            AccessRole.manages_every_role,
            AccessRole.managed_role_ids,
            func.coalesce(groups.c.path, cast(array([]), ARRAY(Text))),
            AccessGrant.program_id,
            Program.name,
            AccessGrant.task_id,
        )
        .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
        .outerjoin(groups, groups.c.id == AccessGrant.user_group_id)
        .outerjoin(Program, Program.id == AccessGrant.program_id)
        .where(AccessGrant.application_instance_id == bindparam("tenant"), in_place)
        .where(or_(AccessGrant.user_id == bindparam("person"), groups.c.id.is_not(None)))
        .order_by(AccessRole.name, AccessGrant.id)
    )


def _groups_of_person() -> Any:
    """The groups that a person is in, each with the names of those that lead to it."""
    member, above = aliased(UserGroupMember), aliased(UserGroup)
    start = (
        select(UserGroup.id, array([cast(UserGroup.name, Text)]).label("path"))
        .join(UserGroupMember, UserGroupMember.user_group_id == UserGroup.id)
        .where(UserGroupMember.application_instance_id == bindparam("tenant"))
        .where(UserGroupMember.user_id == bindparam("person"))
        .cte("groups_of_person", recursive=True)
    )
    return start.union(
        select(above.id, start.c.path.op("||")(cast(above.name, Text)))
        .join(member, member.user_group_id == above.id)
        .join(start, start.c.id == member.member_group_id)
        .where(member.application_instance_id == bindparam("tenant"))
    )


def _places_above() -> Any:
    """The program of the place, and those that it lies in."""
    higher = aliased(Program)
    own = select(Task.program_id).where(
        Task.application_instance_id == bindparam("tenant"), Task.id == bindparam("task")
    )
    start = (
        select(Program.id, Program.parent_id)
        .where(Program.application_instance_id == bindparam("tenant"))
        .where(or_(Program.id == bindparam("program"), Program.id.in_(own)))
        .cte("places_above", recursive=True)
    )
    return start.union(
        select(higher.id, higher.parent_id)
        .join(start, start.c.parent_id == higher.id)
        .where(higher.application_instance_id == bindparam("tenant"))
    )
