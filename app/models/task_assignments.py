"""Who works on a task."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned


class TaskAssignment(TenantOwned, Model):
    """One person on one task."""

    __tablename__ = "task_assignments"
    kind = "task_assignment"
    audited = ("task_id", "user_id")

    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tasks.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    assigned_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
