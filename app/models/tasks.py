"""Tasks: what people do."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.core.database import Deletable, Model, TenantOwned, Versioned
from app.core.sealed_fields import sealed_in_trail
from app.models.task_assignments import TaskAssignment


class Beginning(NamedTuple):
    """What a task begins with that other rows hold: its program, and the first state of its workflow."""

    program_key: str
    program_name: str
    state_key: str
    state_name: str
    state_group: str
    workflow_id: uuid.UUID
    state_id: uuid.UUID


class Task(TenantOwned, Versioned, Deletable, Model):
    """A piece of work in a program. Its state is where its workflow instance stands."""

    __tablename__ = "tasks"
    kind = "task"
    audited = ("program_id", "number", "name", "description", "estimate_minutes", "deleted_at")
    sealed = sealed_in_trail(__tablename__)

    program_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programs.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    estimate_minutes: Mapped[int | None]
    rank: Mapped[str | None] = mapped_column(String(100))  # its place in the order of its program: core/ranks.py
    workflow_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_instances.id"))
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))

    beginning = cast("Beginning | None", None)  # of one that was just made, for who answers with it

    @property
    def shown_in(self) -> tuple[str, ...]:
        """The channels of what shows a task as a part of it."""
        return (f"program.{self.program_id}", f"board.{self.program_id}")

    @classmethod
    def places(cls) -> tuple[ColumnElement[Any], ...]:
        """Where a task lies: in its program, and in itself."""
        return (cls.program_id, cls.id)  # type: ignore[return-value]

    @classmethod
    def is_own(cls, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a person made a task or is on it."""
        assigned = select(TaskAssignment.task_id).where(
            TaskAssignment.application_instance_id == cls.application_instance_id, TaskAssignment.user_id == person
        )
        return or_(cls.created_by_user_id == person, cls.id.in_(assigned))


def program_of_task(task_id: Any) -> ColumnElement[Any]:
    """The program of the task that a column names: where things that belong to tasks lie."""
    task = aliased(Task)  # so that a statement which has tasks of its own is not meant
    return select(task.program_id).where(task.id == task_id).scalar_subquery()
