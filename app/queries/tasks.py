"""Tasks, as lists, pages and the API need them: always with state, program, people and newest certification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, and_, cast, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import Page, Paging, page_of
from app.core.permissions import require
from app.models.certifications import Certification
from app.models.programs import Program
from app.models.task_assignments import TaskAssignment
from app.models.task_comments import TaskComment
from app.models.tasks import Task
from app.models.users import User
from app.models.workflows import BUILT_IN_KEY, Workflow, WorkflowInstance, WorkflowState, WorkflowTransition
from app.queries.certifications import status_at


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """What a list of tasks is narrowed to. None means no narrowing."""

    program_id: UUID | None = None
    state: str | None = None
    assignee_id: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Where a task stands."""

    key: str
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Assignee:
    """Somebody on a task."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task with all that its page and its JSON tell."""

    id: UUID
    application_instance_id: UUID
    number: str
    name: str
    description: str
    estimate_minutes: int | None
    version: int
    created_at: Any
    updated_at: Any
    deleted_at: Any
    created_by_user_id: int | None
    program_id: UUID
    program_key: str
    program_name: str
    state: State
    workflow_id: UUID
    state_id: UUID
    assignments: tuple[Assignee, ...]
    certification_status: str | None

    kind = "task"

    @property
    def program(self) -> Any:
        """The program as a page links to it."""
        return _ProgramLink(self.program_id, self.program_key, self.program_name)

    @property
    def state_name(self) -> str:
        """The name of the state."""
        return self.state.name

    @property
    def state_group(self) -> str:
        """The group of the state."""
        return self.state.group

    @property
    def assignee_names(self) -> list[str]:
        """The names of the people on the task."""
        return [assignee.name for assignee in self.assignments]


@dataclass(frozen=True, slots=True)
class _ProgramLink:
    id: UUID
    key: str
    name: str


def list_tasks(actor: Actor, filters: TaskFilters, paging: Paging) -> Page[TaskView]:
    """Tasks that are not in the trash, newest first. Two queries, however many rows."""
    require(actor, "task.view")
    query = _narrowed(_tasks(actor).where(Task.deleted_at.is_(None), Program.deleted_at.is_(None)), filters)
    given = {
        "program": filters.program_id,
        "state": filters.state,
        "assignee": filters.assignee_id,
        "q": filters.text,
    }
    page = page_of(db.session, query, Task.id, paging, given)
    people = _assignees(actor, [row.id for row in page.rows])
    return Page(
        rows=[_view(row, people.get(row.id, ())) for row in page.rows],
        size=page.size,
        next=page.next,
        prev=page.prev,
        filters=page.filters,
    )


def get_task(actor: Actor, task_id: UUID, *, deleted: bool = False) -> TaskView:
    """One task. Raises NotFound where it is not there, or (unless `deleted`) in the trash."""
    require(actor, "task.view")
    query = _tasks(actor).where(Task.id == task_id)
    if deleted:
        query = query.where(Task.deleted_at.is_not(None))
    else:
        query = query.where(Task.deleted_at.is_(None), Program.deleted_at.is_(None))
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound
    return _view(row, _assignees(actor, [row.id]).get(row.id, ()))


def ways_on(actor: Actor, task: TaskView) -> list[dict[str, Any]]:
    """Every other state of the task's workflow: those it can go to first, then the others."""
    require(actor, "task.view")
    way = aliased(WorkflowTransition)
    query = (
        select(WorkflowState.key, WorkflowState.name, WorkflowState.state_group, way.id)
        .outerjoin(way, and_(way.to_state_id == WorkflowState.id, way.from_state_id == task.state_id))
        .where(WorkflowState.application_instance_id == actor.tenant_id, WorkflowState.workflow_id == task.workflow_id)
        .where(WorkflowState.id != task.state_id)
        .order_by(way.id.is_(None), WorkflowState.position)
    )
    return [
        {
            "key": row.key,
            "name": row.name,
            "group": row.state_group,
            "allowed": row.id is not None,
            "reason": "" if row.id is not None else f"The workflow has no way from “{task.state.name}” to here.",
        }
        for row in db.session.execute(query)
    ]


def task_states(actor: Actor) -> list[Any]:
    """Key and name of the states of the built-in workflow, for a filter's menu."""
    require(actor, "task.view")
    query = (
        select(WorkflowState.key, WorkflowState.name)
        .join(Workflow, Workflow.id == WorkflowState.workflow_id)
        .where(Workflow.application_instance_id == actor.tenant_id, Workflow.key == BUILT_IN_KEY)
        .order_by(Workflow.version.desc(), WorkflowState.position)
    )
    return list(db.session.execute(query))


def list_comments(actor: Actor, task_id: UUID) -> list[Any]:
    """What people have said about a task, oldest first; at most the newest 500."""
    require(actor, "task.view")
    newest = (
        select(
            TaskComment.id,
            TaskComment.task_id,
            TaskComment.author_user_id,
            User.name.label("author_name"),
            TaskComment.body,
            TaskComment.created_at,
        )
        .outerjoin(User, User.user_id == TaskComment.author_user_id)
        .where(TaskComment.application_instance_id == actor.tenant_id, TaskComment.task_id == task_id)
        .order_by(TaskComment.id.desc())
        .limit(500)
    )
    return list(db.session.execute(newest))[::-1]


def _tasks(actor: Actor) -> Select[Any]:
    newest = (
        select(status_at(clock.now()))
        .where(Certification.application_instance_id == Task.application_instance_id, Certification.task_id == Task.id)
        .order_by(Certification.id.desc())
        .limit(1)
        .correlate(Task)
        .scalar_subquery()
    )
    return (
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
            newest.label("certification_status"),
        )
        .join(Program, Program.id == Task.program_id)
        .join(WorkflowInstance, WorkflowInstance.id == Task.workflow_instance_id)
        .join(WorkflowState, WorkflowState.id == WorkflowInstance.state_id)
        .where(Task.application_instance_id == actor.tenant_id)
    )


def _narrowed(query: Select[Any], filters: TaskFilters) -> Select[Any]:
    if filters.program_id is not None:
        query = query.where(Task.program_id == filters.program_id)
    if filters.state is not None:
        query = query.where(WorkflowState.key == filters.state)
    if filters.assignee_id is not None:
        assigned = select(TaskAssignment.task_id).where(
            TaskAssignment.application_instance_id == Task.application_instance_id,
            TaskAssignment.user_id == filters.assignee_id,
        )
        query = query.where(Task.id.in_(assigned))
    if filters.text:
        query = query.where(Task.name.icontains(filters.text, autoescape=True))
    return query


def _assignees(actor: Actor, task_ids: list[UUID]) -> dict[UUID, tuple[Assignee, ...]]:
    if not task_ids:
        return {}
    query = (
        select(TaskAssignment.task_id, TaskAssignment.user_id, User.name)
        .join(User, User.user_id == TaskAssignment.user_id)
        .where(TaskAssignment.application_instance_id == actor.tenant_id, TaskAssignment.task_id.in_(task_ids))
        .order_by(TaskAssignment.id)
    )
    people: dict[UUID, tuple[Assignee, ...]] = {}
    for row in db.session.execute(query):
        people[row.task_id] = (*people.get(row.task_id, ()), Assignee(row.user_id, row.name))
    return people


def _view(row: Any, assignments: tuple[Assignee, ...]) -> TaskView:
    return TaskView(
        id=row.id,
        application_instance_id=row.application_instance_id,
        number=row.number,
        name=row.name,
        description=row.description,
        estimate_minutes=row.estimate_minutes,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        created_by_user_id=row.created_by_user_id,
        program_id=row.program_id,
        program_key=row.program_key,
        program_name=row.program_name,
        state=State(row.state_key, row.state_name, row.state_group),
        workflow_id=row.workflow_id,
        state_id=row.state_id,
        assignments=assignments,
        certification_status=row.certification_status,
    )
