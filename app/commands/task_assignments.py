"""Assign people to tasks, and take them off again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.commands.tasks import live_task
from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.database import db
from app.core.errors import Invalid
from app.core.permissions import expect_version
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.application_instances import ApplicationInstanceUser
from app.models.task_assignments import TaskAssignment
from app.models.tasks import Task
from app.models.users import User
from app.schemas.tasks import Assignment


@command
def assign_task(actor: Actor, task_id: UUID, assignment: Assignment, *, version: int | None = None) -> Task:
    """Put a person on a task. Assigning twice is assigning once. Raises Invalid for somebody who does not work here."""
    task = live_task(actor, task_id, "task.assign", lock=True)
    expect_version(task, version)
    _require_member(actor, assignment.user_id)
    if _assignment_of(task, assignment.user_id) is None:
        db.session.add(
            TaskAssignment(
                application_instance_id=actor.tenant_id,
                task_id=task.id,
                user_id=assignment.user_id,
                assigned_by_user_id=actor.user_id,
            )
        )
        _touched(actor, task, "task.assigned", assignment.user_id)
    return task


@command
def unassign_task(actor: Actor, task_id: UUID, user_id: int, *, version: int | None = None) -> Task:
    """Take a person off a task. Doing it twice is doing it once."""
    task = live_task(actor, task_id, "task.assign", lock=True)
    expect_version(task, version)
    assignment = _assignment_of(task, user_id)
    if assignment is not None:
        db.session.delete(assignment)
        _touched(actor, task, "task.unassigned", user_id, taken_off=user_id)
    return task


def _assignment_of(task: Task, user_id: int) -> TaskAssignment | None:
    """The assignment of a person to a task whose row is held, so that nobody makes or takes one meanwhile."""
    query = select(TaskAssignment).where(
        TaskAssignment.application_instance_id == task.application_instance_id,
        TaskAssignment.task_id == task.id,
        TaskAssignment.user_id == user_id,
    )
    return db.session.scalar(query)


def _touched(actor: Actor, task: Task, event_type: str, user_id: int, *, taken_off: int | None = None) -> None:
    task.updated_at = clock.now()
    db.session.flush()
    record(actor, event_type, task, facts={"user_id": user_id})
    announce(task, taken_off=taken_off)


def _require_member(actor: Actor, user_id: int) -> None:
    """Only people who work here can be assigned; of others we do not even say whether they exist."""
    works_here = db.session.scalar(
        select(ApplicationInstanceUser.user_id)
        .join(User, User.user_id == ApplicationInstanceUser.user_id)
        .where(
            ApplicationInstanceUser.application_instance_id == actor.tenant_id,
            ApplicationInstanceUser.user_id == user_id,
            ApplicationInstanceUser.deactivated_at.is_(None),
            User.deactivated_at.is_(None),
        )
    )
    if works_here is None:
        raise Invalid({"user_id": phrase("Nobody with this id works here.")})
