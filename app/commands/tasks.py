"""Make, change, move, delete and restore tasks."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, true, update

from app.commands.task_ranks import LAST_RANK, hold_order, place_task
from app.commands.workflows import FIRST_STATE, START_INSTANCE, move_instance
from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import have_keys_at_hand, record
from app.core.database import db, rows_of
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.permissions import expect_version, fetch, require_in
from app.core.phrases import phrase
from app.core.ranks import between
from app.core.transaction import command
from app.models.programs import Program
from app.models.tasks import Beginning, Task
from app.schemas.tasks import Move, NewTask, TaskChanges


@command
def create_task(actor: Actor, new: NewTask) -> Task:
    """Make a task in a program, under the program's next number, in the first state of its workflow.

    Raises Invalid where the program is not there to take it.
    """
    require_in(actor, "task.create", new.program_id)
    task = Task(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        created_by_user_id=actor.user_id,
        **new.model_dump(),
    )
    have_keys_at_hand(actor, task)
    # From here on nobody else can make a task in the program: what takes time has been done before.
    begun = _begin(actor, new.program_id)
    task.number, task.rank, task.workflow_instance_id = begun.number, begun.rank, begun.instance_id
    task.beginning = begun.beginning
    db.session.add(task)
    db.session.flush()
    record(actor, "task.created", task)
    announce(task, "created")
    return task


@command
def update_task(actor: Actor, task_id: UUID, changes: TaskChanges, *, facts: dict[str, Any] | None = None) -> Task:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster.

    `facts` are what the trail has to tell beside the change.
    """
    task = live_task(actor, task_id, "task.update")
    expect_version(task, changes.version)
    sent = changes.model_dump(exclude_unset=True, exclude={"version"})
    for name, value in sent.items():
        if value is not None or name == "estimate_minutes":
            setattr(task, name, value)
    if db.session.is_modified(task):
        db.session.flush()
        record(actor, "task.updated", task, facts=facts)
        announce(task)
    return task


@command
def move_task(actor: Actor, task_id: UUID, move: Move) -> Task:
    """Move a task to another state of its workflow, or to another place, or both. Where it is already changes nothing.

    Raises InvalidTransition where the workflow has no such way, Invalid for a state or a place that there is not.
    """
    placing = "after" in move.model_fields_set
    if not placing and move.state is None:
        raise Invalid({"state": phrase("This is required.")})
    if placing:
        hold_order(actor, task_id)
    task = live_task(actor, task_id, "task.move", lock=True)
    expect_version(task, move.version)
    moved = move_instance(actor, task.workflow_instance_id, move.state) if move.state is not None else None
    if moved is not None:
        task.updated_at = clock.now()
        db.session.flush()
    placed = place_task(actor, task, move.after) if placing else None
    if moved or placed:
        record(actor, "task.moved" if moved else "task.reordered", task, facts=(moved or {}) | (placed or {}))
        announce(task)
    return task


@command
def delete_task(actor: Actor, task_id: UUID, *, version: int | None = None) -> Task:
    """Put a task in the trash. Its number stays its own."""
    task = live_task(actor, task_id, "task.delete")
    expect_version(task, version)
    task.put_in_trash(by=actor.user_id, at=clock.now())
    db.session.flush()
    record(actor, "task.deleted", task)
    announce(task, "deleted")
    return task


@command
def restore_task(actor: Actor, task_id: UUID, *, version: int | None = None) -> Task:
    """Bring a task back from the trash. Raises Conflict while its program is there too."""
    task = fetch(actor, Task, task_id, "task.delete", deleted=True)
    expect_version(task, version)
    if _program_is_deleted(task):
        raise Conflict(phrase("The program of this task is in the trash too. Restore its program first."))
    task.restore()
    db.session.flush()
    record(actor, "task.restored", task)
    announce(task, "created")
    return task


def live_task(actor: Actor, task_id: UUID, permission: str, *, lock: bool = False) -> Task:
    """A task that is at work: neither it nor its program is in the trash. Raises NotFound."""
    task = fetch(actor, Task, task_id, permission, lock=lock)
    if _program_is_deleted(task):
        raise NotFound
    return task


def _program_is_deleted(task: Task) -> bool:
    return db.session.scalar(select(Program.deleted_at).where(Program.id == task.program_id)) is not None


class _Begun(NamedTuple):
    """What a new task takes from its program and its workflow."""

    number: int
    rank: str
    instance_id: UUID
    beginning: Beginning


_PROGRAMS: Any = Program.__table__
_MINE = (_PROGRAMS.c.id == bindparam("program"), _PROGRAMS.c.application_instance_id == bindparam("tenant"))
_NUMBERED = (
    update(_PROGRAMS)
    .where(*_MINE, _PROGRAMS.c.deleted_at.is_(None))
    .values(last_task_number=_PROGRAMS.c.last_task_number + 1, updated_at=_PROGRAMS.c.updated_at)
    # The function looks once the row is held, and sees what was written by then: migration 0038.
    .returning(_PROGRAMS.c.last_task_number, LAST_RANK, _PROGRAMS.c.key, _PROGRAMS.c.name)
    .cte("numbered")
)
_BEGIN = select(*_NUMBERED.c, *FIRST_STATE.c).join_from(_NUMBERED, FIRST_STATE, true()).add_cte(START_INSTANCE)


def _begin(actor: Actor, program_id: UUID) -> _Begun:
    """The next number and place of the program, and an instance of its workflow that has started.

    The row of the program is held until the transaction ends, so that no two tasks share a number or a place.
    """
    instance_id = new_id()
    given = {"program": program_id, "tenant": actor.tenant_id, "instance": instance_id, "now": clock.now()}
    begun = rows_of(db.session, _BEGIN, given).first()
    if begun is None:
        raise Invalid({"program_id": phrase("There is no such program.")})
    number, last_rank, *beginning = tuple(begun)
    return _Begun(number, between(last_rank, None), instance_id, Beginning(*beginning))
