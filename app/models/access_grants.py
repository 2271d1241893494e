"""Grants: who holds which role, and where."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.phrases import phrase
from app.models.tasks import program_of_task


class AccessGrant(TenantOwned, Model):
    """A role given to a person or a group: throughout the organisation, in a program and below, or on one task."""

    __tablename__ = "access_grants"
    kind = "access_grant"
    seen_with = "access_role.view"
    audited = ("access_role_id", "user_id", "user_group_id", "program_id", "task_id")
    refusals = {"access_grants_are_unique": ("access_role_id", phrase("They have this role here already."))}

    access_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_roles.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    user_group_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_groups.id"))
    program_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programs.id"))
    task_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tasks.id"))
    granted_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def places(cls) -> tuple[ColumnElement[Any], ...]:
        """Where a grant lies: where the role holds."""
        return (cls.program_id, cls.task_id, program_of_task(cls.task_id))  # type: ignore[return-value]
