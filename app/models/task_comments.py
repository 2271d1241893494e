"""What people say about a task."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.sealed_fields import sealed_in_trail
from app.models.tasks import program_of_task


class TaskComment(TenantOwned, Model):
    """One comment, in Markdown."""

    __tablename__ = "task_comments"
    kind = "task_comment"
    seen_with = "task.view"  # whoever may see a task may see what is said about it
    audited = ("task_id", "body")
    sealed = sealed_in_trail(__tablename__)

    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tasks.id"))
    author_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def places(cls) -> tuple[ColumnElement[Any], ...]:
        """Where a comment lies: in its task, and in the program of that."""
        return (cls.task_id, program_of_task(cls.task_id))  # type: ignore[return-value]
