"""Programs: what tasks are gathered in."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Deletable, Model, TenantOwned, Versioned
from app.core.phrases import phrase
from app.core.sealed_fields import sealed_in_trail
from app.models.tasks import Task


class Program(TenantOwned, Versioned, Deletable, Model):
    """A stream of work with tasks numbered under its key: OPS-1, OPS-2. It may lie in another program."""

    __tablename__ = "programs"
    kind = "program"
    audited = ("key", "name", "description", "parent_id", "deleted_at")
    sealed = sealed_in_trail(__tablename__)
    refusals = {
        "programs_key_is_unique": ("key", phrase("Another program has this key, perhaps one in the trash.")),
        "programs_have_no_cycle": ("parent_id", phrase("A program cannot lie in itself, nor in one that lies in it.")),
        "programs_parent_is_here": ("parent_id", phrase("There is no such program.")),
    }

    key: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programs.id"))
    last_task_number: Mapped[int] = mapped_column(default=0)

    @property
    def shown_in(self) -> tuple[str, ...]:
        """The channel of the board that shows a program's tasks."""
        return (f"board.{self.id}",)

    @classmethod
    def places(cls) -> tuple[ColumnElement[Any], ...]:
        """Where a program lies: in itself. Roles given further up are known down here too."""
        return (cls.id,)  # type: ignore[return-value]

    @classmethod
    def is_own(cls, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a person has a task in a program."""
        theirs = select(Task.program_id).where(
            Task.application_instance_id == cls.application_instance_id, Task.is_own(person), Task.deleted_at.is_(None)
        )
        return cls.id.in_(theirs)
