"""What is in the trash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, cast, select

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User

SHOWN = 200


def deleted_programs(actor: Actor) -> list[Any]:
    """The programs in the trash, last deleted first."""
    require(actor, "program.view")
    query = (
        select(Program.id, Program.key, Program.name, Program.deleted_at, User.name.label("deleted_by_name"))
        .outerjoin(User, User.user_id == Program.deleted_by_user_id)
        .where(Program.application_instance_id == actor.tenant_id, Program.deleted_at.is_not(None))
        .order_by(Program.deleted_at.desc())
        .limit(SHOWN)
    )
    return list(db.session.execute(query))


def deleted_tasks(actor: Actor) -> list[Any]:
    """The tasks in the trash whose program is not, last deleted first."""
    require(actor, "task.view")
    query = (
        select(
            Task.id,
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
    return list(db.session.execute(query))
