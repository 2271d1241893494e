"""What is in the trash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, select

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import held_on, in_sight, sight_of, whose
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User

SHOWN = 200


def deleted_programs(actor: Actor) -> list[Any]:
    """The programs in the trash, last deleted first."""
    sight = in_sight(actor, Program)
    query = (
        select(Program.id, Program.key, Program.name, Program.deleted_at, User.name.label("deleted_by_name"))
        .outerjoin(User, User.user_id == Program.deleted_by_user_id)
        .where(Program.application_instance_id == actor.tenant_id, Program.deleted_at.is_not(None))
        .order_by(Program.deleted_at.desc())
        .limit(SHOWN)
    )
    rows = list(_seen(query, actor, Program, sight))
    actor.on_tasks.learn({row.id: () for row in rows})
    return rows


def deleted_tasks(actor: Actor) -> list[Any]:
    """The tasks in the trash whose program is not, last deleted first."""
    sight = in_sight(actor, Task)
    query = (
        select(
            Task.id,
            Task.program_id,
            (Program.key + "-" + cast(Task.number, String)).label("number"),
            Task.name,
            Task.deleted_at,
            User.name.label("deleted_by_name"),
        )
        .join(Program, Program.id == Task.program_id)
        .outerjoin(User, User.user_id == Task.deleted_by_user_id)
        .where(Task.application_instance_id == actor.tenant_id, Task.deleted_at.is_not(None))
        .where(Program.deleted_at.is_(None))
        .order_by(Task.deleted_at.desc())
        .limit(SHOWN)
    )
    if not actor.task_roles:
        return list(_seen(query, actor, Task, sight))
    rows = list(_seen(query.add_columns(held_on(Task.id).label("roles")), actor, Task, sight))
    for row in rows:  # a list says of each whether it may be brought back: nobody looks that up
        actor.on_tasks.learn({row.program_id: (), row.id: row.roles})
    return rows


def _seen(query: Select[Any], actor: Actor, model: Any, sight: ColumnElement[bool] | None) -> Any:
    """The rows, narrowed to what the actor may see."""
    if sight is None:
        return db.session.execute(query, whose(actor) if actor.task_roles else {})
    return db.session.execute(query.where(sight), sight_of(actor, model))
