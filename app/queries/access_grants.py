"""Who holds which role, and where."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, bindparam, cast, select
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db
from app.core.paging import Listing, Page, Paging
from app.core.permissions import in_sight, sight_of
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.programs import Program
from app.models.tasks import Task
from app.models.user_groups import UserGroup
from app.models.users import User

_PROGRAM_OF_TASK = aliased(Program)
_GRANTS = (
    select(
        AccessGrant.id,
        AccessGrant.access_role_id,
        AccessRole.name.label("role_name"),
        AccessGrant.user_id,
        User.name.label("user_name"),
        AccessGrant.user_group_id,
        UserGroup.name.label("user_group_name"),
        AccessGrant.program_id,
        Program.name.label("program_name"),
        AccessGrant.task_id,
        (_PROGRAM_OF_TASK.key + "-" + cast(Task.number, String)).label("task_number"),
        AccessGrant.granted_by_user_id,
        AccessGrant.created_at,
    )
    .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
    .outerjoin(User, User.user_id == AccessGrant.user_id)
    .outerjoin(UserGroup, UserGroup.id == AccessGrant.user_group_id)
    .outerjoin(Program, Program.id == AccessGrant.program_id)
    .outerjoin(Task, Task.id == AccessGrant.task_id)
    .outerjoin(_PROGRAM_OF_TASK, _PROGRAM_OF_TASK.id == Task.program_id)
    .where(AccessGrant.application_instance_id == bindparam("tenant"))
)
_ALL = Listing(_GRANTS, AccessGrant.id)


def list_access_grants(actor: Actor, paging: Paging) -> Page[Any]:
    """Grants, newest first: those in places where one may see roles. One query."""
    values = {"tenant": actor.tenant_id}
    sight = in_sight(actor, AccessGrant)
    if sight is None:
        return _ALL.page(db.session, paging, values=values)
    return _in_part(sight).page(db.session, paging, values=values | sight_of(actor, AccessGrant))


@cache
def _in_part(sight: ColumnElement[bool]) -> Listing:
    return Listing(_GRANTS.where(sight), AccessGrant.id)


def role_of_grant(actor: Actor, grant_id: UUID) -> UUID | None:
    """The id of the role that a grant gives; None where there is none. Whoever calls this tells nobody."""
    return db.session.scalar(
        select(AccessGrant.access_role_id).where(
            AccessGrant.application_instance_id == actor.tenant_id, AccessGrant.id == grant_id
        )
    )
