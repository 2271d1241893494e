"""The board of a program: its tasks in columns by state, in their order, as far as the actor may see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import array_agg
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.permissions import in_sight, sight_of
from app.models.tasks import Task
from app.models.workflows import BUILT_IN_KEY, Workflow, WorkflowInstance, WorkflowState, WorkflowTransition
from app.queries.tasks import LIVE_TASKS, TaskView, views_of, with_roles

Step = Literal["top", "up", "down", "bottom"]  # within a column
MOST_CARDS = 100  # in one column; the list has the others


class Way(NamedTuple):
    """A state that the tasks of a column may go to."""

    key: str
    name: str
    group: str


@dataclass(slots=True)
class Column:
    """One state: where tasks may go from it, the first of those that are in it, and how many there are."""

    key: str
    name: str
    group: str
    ways: list[Way] = field(default_factory=list)
    cards: list[TaskView] = field(default_factory=list)
    count: int = 0

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
_COUNTS = _ON_IT.with_only_columns(WorkflowState.key, func.count().label("count")).group_by(WorkflowState.key)
_PLACES = _ON_IT.with_only_columns(
    Task.id, func.row_number().over(partition_by=WorkflowState.key, order_by=_ORDER).label("place")
)
# What lies around each task of a state: right above it and above that, right below it, and at the end.
_AROUND = _ON_IT.where(WorkflowState.key == bindparam("state")).with_only_columns(
    Task.id,
    func.lag(Task.id).over(order_by=_ORDER).label("above"),
    func.lag(Task.id, 2).over(order_by=_ORDER).label("further_up"),
    func.lead(Task.id).over(order_by=_ORDER).label("below"),
    func.last_value(Task.id).over(order_by=_ORDER, rows=(None, None)).label("last"),
)


def get_board(actor: Actor, program_id: UUID) -> list[Column]:
    """The columns of a program, which the actor may see, with the first cards of each. Three queries."""
    sight = in_sight(actor, Task)
    given = {"tenant": actor.tenant_id, "program": program_id, "now": clock.now()} | sight_of(actor, Task)
    columns = _columns(actor)
    for row in rows_of(db.session, _counts(sight), given):
        columns[row.key].count = row.count
    cards = rows_of(db.session, _cards(sight, bool(actor.task_roles)), given | {"most": MOST_CARDS})
    for card in views_of(actor, cards):
        columns[card.state_key].cards.append(card)
    return list(columns.values())


def get_column(actor: Actor, state: str) -> Column:
    """One state and the ways on from it, without its tasks. One query."""
    return _columns(actor)[state]


def place_after(actor: Actor, task: TaskView, step: Step) -> UUID | None:
    """Behind which task of its column another one comes to lie by a `step`; None at the top. One query.

    What leads nowhere leaves it where it is.
    """
    sight = in_sight(actor, Task)
    given = {"tenant": actor.tenant_id, "program": task.program_id, "state": task.state_key, "task": task.id}
    given |= sight_of(actor, Task)
    here = rows_of(db.session, _around(sight), given).first()
    if here is None or step == "top":
        return None
    if step == "up":
        return here.further_up  # type: ignore[no-any-return]
    ahead = here.below if step == "down" else here.last
    return here.above if ahead in (None, task.id) else ahead  # type: ignore[no-any-return]


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
def _around(sight: ColumnElement[bool] | None) -> Select[Any]:
    around = (_AROUND if sight is None else _AROUND.where(sight)).cte("around")
    return select(around).where(around.c.id == bindparam("task"))


@cache
def _cards(sight: ColumnElement[bool] | None, roles: bool) -> Select[Any]:
    places = (_PLACES if sight is None else _PLACES.where(sight)).cte("places")
    tasks = (with_roles(LIVE_TASKS) if roles else LIVE_TASKS).join(places, places.c.id == Task.id)
    return tasks.where(places.c.place <= bindparam("most")).order_by(*_ORDER)
