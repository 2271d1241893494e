"""Tasks: what people do."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Deletable, Model, TenantOwned, Versioned


class Task(TenantOwned, Versioned, Deletable, Model):
    """A piece of work in a program. Its state is where its workflow instance stands."""

    __tablename__ = "tasks"
    kind = "task"
    audited = ("program_id", "number", "name", "description", "estimate_minutes", "deleted_at")
    sealed = ("name", "description")

    program_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programs.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    estimate_minutes: Mapped[int | None]
    workflow_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_instances.id"))
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
