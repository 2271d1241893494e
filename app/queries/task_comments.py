"""What people have said about a task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from app.core.actor import Actor
from app.core.database import db
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere
from app.models.task_comments import TaskComment
from app.models.users import User

_COMMENTS = Listing(
    select(
        TaskComment.id,
        TaskComment.task_id,
        TaskComment.author_user_id,
        User.name.label("author_name"),
        User.avatar_id.label("author_avatar_id"),
        TaskComment.body,
        TaskComment.created_at,
    )
    .outerjoin(User, User.user_id == TaskComment.author_user_id)
    .where(TaskComment.application_instance_id == bindparam("tenant"), TaskComment.task_id == bindparam("task")),
    TaskComment.id,
)


def list_comments(actor: Actor, task_id: UUID, paging: Paging | None = None) -> Page[Any]:
    """What people have said about a task, newest first. Ask for the task itself first."""
    require_somewhere(actor, "task.view")
    return _COMMENTS.page(db.session, paging or Paging(), values={"tenant": actor.tenant_id, "task": task_id})
