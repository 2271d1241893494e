"""The board of a program: its tasks in columns by state, in their order, as far as the actor may see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.permissions import in_sight, sight_of
from app.models.tasks import Task
from app.models.workflows import BUILT_IN_KEY, Workflow, WorkflowInstance, WorkflowState, WorkflowTransition
from app.queries.tasks import LIVE_TASKS, TaskView

MOST_CARDS = 100  # in one column; the list has the others


class Way(NamedTuple):
    """A state that the tasks of a column may go to."""

    key: str
    name: str
    group: str


@dataclass(slots=True)
class Column:
    """One state: the first of its tasks, how many there are, and which of them is the last."""

    key: str
    name: str
    group: str
    ways: list[Way] = field(default_factory=list)
    cards: list[TaskView] = field(default_factory=list)
    count: int = 0
    last_id: UUID | None = None

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.cards)


_TO = aliased(WorkflowTransition)
_STATES = (
    select(
        WorkflowState.key,
        WorkflowState.name,
        WorkflowState.state_group,
        func.coalesce(
            select(array_agg(_TO.to_state_id)).where(_TO.from_state_id == WorkflowState.id).scalar_subquery(),
            literal_column("'{}'::uuid[]"),
        ).label("ways"),
        WorkflowState.id,
        Workflow.version,
    )
    .join(Workflow, Workflow.id == WorkflowState.workflow_id)
    .where(Workflow.application_instance_id == bindparam("tenant"), Workflow.key == BUILT_IN_KEY)
    .order_by(Workflow.version.desc(), WorkflowState.position)
)
_ORDER = (Task.rank.nulls_last(), Task.id)
_ON_IT = (
    select(Task)
    .join(WorkflowInstance, WorkflowInstance.id == Task.workflow_instance_id)
    .join(WorkflowState, WorkflowState.id == WorkflowInstance.state_id)
    .where(Task.application_instance_id == bindparam("tenant"), Task.program_id == bindparam("program"))
    .where(Task.deleted_at.is_(None))
)
_COUNTS = _ON_IT.with_only_columns(
    WorkflowState.key,
    func.count().label("count"),
    func.array_agg(aggregate_order_by(Task.id, Task.rank.desc().nulls_first(), Task.id.desc()))[1].label("last_id"),
).group_by(WorkflowState.key)
_PLACES = _ON_IT.with_only_columns(
    Task.id, func.row_number().over(partition_by=WorkflowState.key, order_by=_ORDER).label("place")
)


def get_board(actor: Actor, program_id: UUID) -> list[Column]:
    """The columns of a program, which the actor may see, with the first cards of each. Three queries."""
    sight = in_sight(actor, Task)
    given = {"tenant": actor.tenant_id, "program": program_id, "now": clock.now()}
    given |= {} if sight is None else sight_of(actor, Task)
    columns = _columns(actor)
    for row in rows_of(db.session, _counts(sight), given):
        columns[row.key].count, columns[row.key].last_id = row.count, row.last_id
    for row in rows_of(db.session, _cards(sight), given | {"most": MOST_CARDS}):
        card = TaskView._make(row)
        columns[card.state_key].cards.append(card)
    return list(columns.values())


def _columns(actor: Actor) -> dict[str, Column]:
    """A column for each state of the newest workflow, and after them those that only older ones have."""
    rows = list(rows_of(db.session, _STATES, {"tenant": actor.tenant_id}))
    by_id = {row.id: Way(row.key, row.name, row.state_group) for row in rows}
    columns: dict[str, Column] = {}
    for row in rows:
        ways = [by_id[each.id] for each in rows if each.id in row.ways]
        columns.setdefault(row.key, Column(row.key, row.name, row.state_group, ways))
    return columns


@cache
def _counts(sight: ColumnElement[bool] | None) -> Select[Any]:
    return _COUNTS if sight is None else _COUNTS.where(sight)


@cache
def _cards(sight: ColumnElement[bool] | None) -> Select[Any]:
    places = (_PLACES if sight is None else _PLACES.where(sight)).cte("places")
    return LIVE_TASKS.join(places, places.c.id == Task.id).where(places.c.place <= bindparam("most")).order_by(*_ORDER)
