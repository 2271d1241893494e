"""Comment on tasks."""

from __future__ import annotations

from uuid import UUID

from app.commands.tasks import live_task
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.database import db
from app.core.transaction import command
from app.models.task_comments import TaskComment
from app.schemas.tasks import NewComment


@command
def comment_on_task(actor: Actor, task_id: UUID, new: NewComment) -> TaskComment:
    """Say something about a task."""
    task = live_task(actor, task_id, "task.comment")
    comment = TaskComment(
        application_instance_id=actor.tenant_id, task_id=task.id, author_user_id=actor.user_id, body=new.body
    )
    db.session.add(comment)
    db.session.flush()
    record(actor, "task_comment.created", comment)
    announce(task)
    return comment
