"""Tasks, as lists, pages and the API need them: always with state, program, people and newest certification.

Statements are built once, with placeholders: building and comparing them anew would cost more than running them does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import held_on, in_sight, may_see, require_somewhere, sight_of
from app.models.application_instances import ApplicationInstanceUser
from app.models.certifications import Certification
from app.models.programs import Program
from app.models.task_assignments import TaskAssignment
from app.models.tasks import Task
from app.models.users import User
from app.models.workflows import (
    WorkflowInstance,
    WorkflowState,
)
from app.queries.certifications import STATUS_NOW


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """What a list of tasks is narrowed to. None means no narrowing.

    `program_id` takes in the programs below it, `only_program_id` does not.
    """

    program_id: UUID | None = None
    only_program_id: UUID | None = None
    state: str | None = None
    assignee_id: int | None = None
    text: str | None = None


class State(NamedTuple):
    """Where a task stands."""

    key: str
    name: str
    group: str


class Assignee(NamedTuple):
    """Somebody on a task; no longer `active` where they were let go since."""

    user_id: int
    name: str
    active: bool
    avatar_id: UUID | None

    @classmethod
    def of(cls, user_id: int, name: str, active: bool, avatar_id: str | None) -> Assignee:
        """Somebody as the statement below tells of them."""
        return cls(user_id, name, active, UUID(avatar_id) if avatar_id else None)


class ProgramLink(NamedTuple):
    """The program of a task."""

    id: UUID
    key: str
    name: str


class TaskView(NamedTuple):
    """One task with all that its page and its JSON tell: a row of the statement below, column by column."""

    id: UUID
    application_instance_id: UUID
    number: str
    name: str
    description: str
    estimate_minutes: int | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    created_by_user_id: int | None
    program_id: UUID
    program_key: str
    program_name: str
    state_key: str
    state_name: str
    state_group: str
    workflow_id: UUID
    state_id: UUID
    assignees: list[tuple[int, str, bool, str | None]] | None
    certification_status: str | None
    rank: str | None

    kind = "task"

    @property
    def program(self) -> ProgramLink:
        """The program as a page links to it."""
        return ProgramLink(self.program_id, self.program_key, self.program_name)

    @property
    def state(self) -> State:
        """Where the task stands."""
        return State(self.state_key, self.state_name, self.state_group)

    @property
    def assignments(self) -> tuple[Assignee, ...]:
        """The people on the task, in the order in which they were put there."""
        return tuple(Assignee.of(*told) for told in self.assignees or ())

    @property
    def assignee_names(self) -> list[str]:
        """Their names."""
        return [name for _user_id, name, *_more in self.assignees or ()]

    @property
    def assignee_ids(self) -> str:
        """Their ids as a page is searched for them: each with a space behind it."""
        return "".join(f"{user_id} " for user_id, *_more in self.assignees or ())

    @property
    def first_assignee(self) -> Assignee | None:
        """Who stands for all of them where there is little room: the first who still works here, if anybody does."""
        there = self.assignees or ()
        first = next((told for told in there if told[2]), there[0] if there else None)
        return Assignee.of(*first) if first else None


_NEWEST_STATUS = (
    select(STATUS_NOW)
    .where(Certification.application_instance_id == Task.application_instance_id, Certification.task_id == Task.id)
    .order_by(Certification.id.desc())
    .limit(literal_column("1"))
    .correlate(Task)
    .scalar_subquery()
)

_WORKS_HERE = and_(ApplicationInstanceUser.user_id.is_not(None), User.deactivated_at.is_(None))
_ASSIGNEES = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(
                    TaskAssignment.user_id, User.name, _WORKS_HERE, case((_WORKS_HERE, User.avatar_id))
                ),
                TaskAssignment.id,
            )
        )
    )
    .join(User, User.user_id == TaskAssignment.user_id)
    .outerjoin(
        ApplicationInstanceUser,
        and_(
            ApplicationInstanceUser.application_instance_id == TaskAssignment.application_instance_id,
            ApplicationInstanceUser.user_id == TaskAssignment.user_id,
            ApplicationInstanceUser.deactivated_at.is_(None),
        ),
    )
    .where(TaskAssignment.application_instance_id == Task.application_instance_id, TaskAssignment.task_id == Task.id)
    .correlate(Task)
    .scalar_subquery()
)

_OWN = frozenset(Task.__table__.columns.keys())  # what a row of a task tells by itself
_TASKS = (
    select(
        Task.id,
        Task.application_instance_id,
        (Program.key + "-" + cast(Task.number, String)).label("number"),
        Task.name,
        Task.description,
        Task.estimate_minutes,
        Task.version,
        Task.created_at,
        Task.updated_at,
        Task.deleted_at,
        Task.created_by_user_id,
        Task.program_id,
        Program.key.label("program_key"),
        Program.name.label("program_name"),
        WorkflowState.key.label("state_key"),
        WorkflowState.name.label("state_name"),
        WorkflowState.state_group,
        WorkflowState.workflow_id,
        WorkflowState.id.label("state_id"),
        _ASSIGNEES.label("assignees"),
        _NEWEST_STATUS.label("certification_status"),
        Task.rank,
    )
    .join(Program, Program.id == Task.program_id)
    .join(WorkflowInstance, WorkflowInstance.id == Task.workflow_instance_id)
    .join(WorkflowState, WorkflowState.id == WorkflowInstance.state_id)
    .where(Task.application_instance_id == bindparam("tenant"))
)
LIVE_TASKS = _TASKS.where(Task.deleted_at.is_(None), Program.deleted_at.is_(None))
_ONE = LIVE_TASKS.where(Task.id == bindparam("task"))
_ONE_DELETED = _TASKS.where(Task.id == bindparam("task"), Task.deleted_at.is_not(None))


def _and_below() -> ScalarSelect[Any]:
    """The ids of the program that is asked for, and of those below it, however deep."""
    lower = aliased(Program)
    top = select(Program.id).where(
        Program.application_instance_id == bindparam("tenant"), Program.id == bindparam("program")
    )
    found = top.cte("and_below", recursive=True)
    found = found.union(
        select(lower.id)
        .join(found, found.c.id == lower.parent_id)
        .where(lower.application_instance_id == bindparam("tenant"))
    )
    return select(found.c.id).scalar_subquery()


# What narrows a list, by the name that the page gives to it.
_ASSIGNED = select(TaskAssignment.task_id).where(
    TaskAssignment.application_instance_id == Task.application_instance_id,
    TaskAssignment.user_id == bindparam("assignee"),
)
_NARROWED: dict[str, ColumnElement[bool]] = {
    # As an array, so that an index finds the tasks of a few programs among many.
    "program": Task.program_id == any_(func.array(_and_below(), type_=ARRAY(Uuid))),
    "only_program": Task.program_id == bindparam("only_program"),
    "state": WorkflowState.key == bindparam("state"),
    "assignee": Task.id.in_(_ASSIGNED),
    "q": Task.name.icontains(bindparam("q"), escape="/"),
}


def list_tasks(actor: Actor, filters: TaskFilters, paging: Paging) -> Page[TaskView]:
    """Tasks that are not in the trash, newest first. One query, however many rows."""
    sight = in_sight(actor, Task)
    given = {
        "program": filters.program_id,
        "only_program": filters.only_program_id,
        "state": filters.state,
        "assignee": filters.assignee_id,
        "q": filters.text,
    }
    values = {name: value for name, value in given.items() if value not in (None, "")}
    listing = _listing(frozenset(values), sight, bool(actor.task_roles))
    page = listing.page(db.session, paging, values, values | _seen_by(actor) | _literally(filters.text))
    return replace(page, rows=views_of(actor, page.rows))


def with_roles(statement: Select[Any]) -> Select[Any]:
    """Tasks with the roles that somebody holds on each alone; `views_of` takes them in."""
    return statement.add_columns(held_on(Task.id))


def views_of(actor: Actor, rows: Iterable[Any]) -> list[TaskView]:
    """Rows of a list as tasks. What the actor may do with each is known from then on, and asked of nobody."""
    if not actor.task_roles:
        return [TaskView._make(row) for row in rows]
    views = []
    for *values, held in rows:
        view = TaskView._make(values)
        actor.on_tasks.learn({view.program_id: (), view.id: held})
        views.append(view)
    return views


def get_task(actor: Actor, task_id: UUID, *, deleted: bool = False) -> TaskView:
    """One task. Raises NotFound where it is not there, or (unless `deleted`) in the trash."""
    sight = in_sight(actor, Task)
    statement = _one(deleted, sight)
    row = rows_of(db.session, statement, _seen_by(actor) | {"task": task_id}).first()
    if row is None:
        raise NotFound
    return TaskView._make(row)


def made_task(actor: Actor, task: Task) -> TaskView:
    """A task as whoever has made it is shown it: as `get_task` reads it, but out of what was written a moment ago.

    Raises NotFound where they may not see it. What the same request has made before is read.
    """
    if task.beginning is None:
        return get_task(actor, task.id)
    require_somewhere(actor, "task.view")
    actor.on_tasks.learn({task.program_id: (), task.id: ()})  # nobody holds a role on it yet
    if not may_see(actor, "task.view", (task.program_id, task.id), lambda: task.created_by_user_id == actor.user_id):
        raise NotFound
    begun = task.beginning._asdict()
    own = {name: getattr(task, name) for name in TaskView._fields if name in _OWN}
    number = f"{task.beginning.program_key}-{task.number}"
    return TaskView(**begun | own | {"number": number, "assignees": None, "certification_status": None})


@cache
def _listing(narrowed_by: frozenset[str], sight: ColumnElement[bool] | None, roles: bool) -> Listing:
    tasks = with_roles(LIVE_TASKS) if roles else LIVE_TASKS
    return Listing(_seen(tasks, sight).where(*(_NARROWED[name] for name in sorted(narrowed_by))), Task.id)


@cache
def _one(deleted: bool, sight: ColumnElement[bool] | None) -> Select[Any]:
    return _seen(_ONE_DELETED if deleted else _ONE, sight)


def _seen(statement: Select[Any], sight: ColumnElement[bool] | None) -> Select[Any]:
    """The statement, narrowed for those who may see a part of the tasks only."""
    return statement if sight is None else statement.where(sight)


def _seen_by(actor: Actor) -> dict[str, Any]:
    return {"tenant": actor.tenant_id, "now": clock.now()} | sight_of(actor, Task)


def _literally(words: str | None) -> dict[str, str]:
    """Words as LIKE looks for them: what would mean anything to it means itself."""
    return {"q": words.replace("/", "//").replace("%", "/%").replace("_", "/_")} if words else {}
