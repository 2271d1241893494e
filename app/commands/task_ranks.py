"""The order of the tasks of a program: one key each, given out while the row of the program is held.

The order is that of all its tasks, in the trash and out of sight too: what is put between two that somebody sees lies
between them for everybody.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, Uuid, bindparam, func, select, update

from app.core.actor import Actor
from app.core.announcing import announce
from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.permissions import fetch
from app.core.phrases import phrase
from app.core.ranks import LONGEST, between, spread
from app.models.programs import Program
from app.models.tasks import Task
from app.models.workflows import WorkflowInstance, WorkflowState

LAST_RANK = func.last_task_rank(bindparam("tenant", type_=Uuid), bindparam("program", type_=Uuid), type_=String)


def hold_order(actor: Actor, task_id: UUID) -> None:
    """Hold the order of a task's program until the transaction ends, and before any task of it is held."""
    mine = select(Task.program_id).where(Task.id == task_id, Task.application_instance_id == actor.tenant_id)
    held = select(Program.id).where(Program.application_instance_id == actor.tenant_id)
    db.session.execute(held.where(Program.id == mine.scalar_subquery()).with_for_update(key_share=True))


def place_task(actor: Actor, task: Task, after_id: UUID | None) -> dict[str, str | None] | None:
    """Put a task behind another one of its program, or with None before all that are in its state.

    Its order has to be held. Returns the key that it had and the one that it has now, None if it lies there already.
    Raises Invalid where the other one is not there for the actor, or is none to go behind.
    """
    if after_id is not None:
        _expect_neighbour(actor, task, after_id)
    if db.session.scalar(_ranks(actor, task.program_id, Task.id).where(Task.rank.is_(None)).limit(1)):
        _number_anew(actor, task.program_id)
    before = _rank_of(actor, task.id)
    lower, upper = _gap(actor, task, after_id)
    if before is not None and (lower is None or lower < before) and (upper is None or before < upper):
        return None
    rank = between(lower, upper)
    if len(rank) > LONGEST:
        _number_anew(actor, task.program_id)
        rank = between(*_gap(actor, task, after_id))
    db.session.execute(
        update(Task)
        .where(Task.id == task.id, Task.application_instance_id == actor.tenant_id)
        # Its version stays: whoever writes in it need not hear that its card was pushed up.
        .values(rank=rank, updated_at=Task.updated_at)
        .execution_options(synchronize_session=False)
    )
    return {"from_rank": before, "to_rank": rank}


def _expect_neighbour(actor: Actor, task: Task, after_id: UUID) -> None:
    if after_id == task.id:
        raise Invalid({"after": phrase("A task cannot come after itself.")})
    try:
        neighbour = fetch(actor, Task, after_id, "task.view")
    except NotFound:
        neighbour = None
    if neighbour is None or neighbour.program_id != task.program_id:
        raise Invalid({"after": phrase("There is no such task in this program.")})


def _gap(actor: Actor, task: Task, after_id: UUID | None) -> tuple[str | None, str | None]:
    """The keys between which the task has to come; none of them where it is alone in its state."""
    lowest = _ranks(actor, task.program_id, func.min(Task.rank)).where(Task.id != task.id)
    highest = _ranks(actor, task.program_id, func.max(Task.rank)).where(Task.id != task.id)
    if after_id is not None:
        lower = _rank_of(actor, after_id)
        return lower, db.session.scalar(lowest.where(Task.rank > lower))
    upper = db.session.scalar(
        lowest.join(WorkflowInstance, WorkflowInstance.id == Task.workflow_instance_id).where(
            WorkflowInstance.state_id.in_(_states_like(task))
        )
    )
    return (None, None) if upper is None else (db.session.scalar(highest.where(Task.rank < upper)), upper)


def _states_like(task: Task) -> Any:
    """The state that the task is in, in every version of its workflow."""
    now = (
        select(WorkflowState.key)
        .join(WorkflowInstance, WorkflowInstance.state_id == WorkflowState.id)
        .where(WorkflowInstance.id == task.workflow_instance_id)
    )
    return select(WorkflowState.id).where(
        WorkflowState.application_instance_id == task.application_instance_id,
        WorkflowState.key == now.scalar_subquery(),
    )


def _ranks(actor: Actor, program_id: UUID, what: Any) -> Any:
    return select(what).where(Task.application_instance_id == actor.tenant_id, Task.program_id == program_id)


def _rank_of(actor: Actor, task_id: UUID) -> str | None:
    query = select(Task.rank).where(Task.application_instance_id == actor.tenant_id, Task.id == task_id)
    rank: str | None = db.session.scalar(query)
    return rank


_TABLE: Any = Task.__table__
_MINE: ColumnElement[bool] = _TABLE.c.application_instance_id == bindparam("tenant")
_RENUMBER = (
    update(_TABLE)
    .where(_MINE, _TABLE.c.id == bindparam("task"))
    .values(rank=bindparam("new_rank"), updated_at=_TABLE.c.updated_at)
)


def _number_anew(actor: Actor, program_id: UUID) -> None:
    """Give every task of a program a short key, in the order in which they are."""
    in_order = _ranks(actor, program_id, Task.id).order_by(Task.rank.nulls_last(), Task.number)
    ids = db.session.scalars(in_order).all()
    given = [
        {"tenant": actor.tenant_id, "task": task_id, "new_rank": rank}
        for task_id, rank in zip(ids, spread(len(ids)), strict=True)
    ]
    db.session.connection().execute(_RENUMBER, given)
    announce(db.session.get_one(Program, program_id))  # boards have to learn all of the keys: no card can be told alone
