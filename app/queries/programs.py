"""Programs, as lists and pages need them."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.paging import Listing, Page, Paging
from app.core.permissions import fetch, in_sight, require_in, require_somewhere, sight_of
from app.models.programs import Program
from app.models.tasks import Task
from app.models.workflows import WorkflowInstance, WorkflowState
from app.queries.access import programs_above

ENDED = ("done", "cancelled")

_COUNTS = (
    select(
        func.count().filter(WorkflowState.state_group.not_in(ENDED)).label("open_tasks"),
        func.count().filter(WorkflowState.state_group.in_(ENDED)).label("done_tasks"),
    )
    .select_from(Task)
    .join(WorkflowInstance, WorkflowInstance.id == Task.workflow_instance_id)
    .join(WorkflowState, WorkflowState.id == WorkflowInstance.state_id)
    .where(
        Task.application_instance_id == Program.application_instance_id,
        Task.program_id == Program.id,
        Task.deleted_at.is_(None),
    )
    .lateral()
)
_PROGRAMS = (
    select(
        Program.id,
        Program.key,
        Program.name,
        Program.description,
        Program.parent_id,
        Program.version,
        Program.created_at,
        Program.updated_at,
        Program.deleted_at,
        _COUNTS.c.open_tasks,
        _COUNTS.c.done_tasks,
    )
    .join(_COUNTS, true())
    .where(Program.application_instance_id == bindparam("tenant"), Program.deleted_at.is_(None))
)
_ALL = Listing(_PROGRAMS, Program.id)

_CHOICES = (
    select(Program.id, Program.key, Program.name)
    .where(Program.application_instance_id == bindparam("tenant"), Program.deleted_at.is_(None))
    .order_by(Program.name)
    .limit(literal_column("500"))
)
_DIRECTLY_BELOW = _CHOICES.where(Program.parent_id == bindparam("program"))
_WHERE_ALLOWED = _CHOICES.where(Program.id == any_(bindparam("places", type_=ARRAY(Uuid))))


def list_programs(actor: Actor, paging: Paging) -> Page[Any]:
    """Programs with the numbers of their open and finished tasks. One query."""
    sight = in_sight(actor, Program)
    if sight is None:
        return _ALL.page(db.session, paging, values={"tenant": actor.tenant_id})
    values = {"tenant": actor.tenant_id} | sight_of(actor, Program)
    return Listing(_PROGRAMS.where(sight), Program.id).page(db.session, paging, values=values)


def get_program(actor: Actor, program_id: UUID) -> Program:
    """One program. Raises NotFound."""
    return fetch(actor, Program, program_id, "program.view")


def get_deleted_program(actor: Actor, program_id: UUID) -> Program:
    """One program that is in the trash. Raises NotFound."""
    return fetch(actor, Program, program_id, "program.view", deleted=True)


def count_tasks(actor: Actor, program_id: UUID) -> int:
    """How many tasks would leave the lists together with the program."""
    require_in(actor, "program.view", program_id)
    query = select(func.count()).where(
        Task.application_instance_id == actor.tenant_id, Task.program_id == program_id, Task.deleted_at.is_(None)
    )
    return db.session.scalar(query) or 0


def programs_around(actor: Actor, program_id: UUID) -> list[Any]:
    """The programs that a program lies in, from the outermost in, as far as the actor may see them."""
    above = [each for each in programs_above(actor, program_id) if each.id != program_id and each.deleted_at is None]
    return [each for each in above if actor.may_in("program.view", each.id)]


def programs_inside(actor: Actor, program_id: UUID) -> list[Any]:
    """Id, key and name of the programs that lie directly in a program, by name, as far as the actor may see them."""
    sight, values = in_sight(actor, Program), {"tenant": actor.tenant_id, "program": program_id}
    if sight is None:
        return list(rows_of(db.session, _DIRECTLY_BELOW, values))
    return list(rows_of(db.session, _DIRECTLY_BELOW.where(sight), values | sight_of(actor, Program)))


def parent_choices(actor: Actor, program: Program) -> list[Any]:
    """The programs that a program may be put into by the actor, and the one that it lies in.

    None of them where they may not give roles in it and around it: to move it changes who may do what in it.
    """
    places = (program.id, program.parent_id)
    if not all(actor.may_in("access_grant.create", place) for place in places):
        return []
    below = {row.id for row in db.session.execute(_below(), {"tenant": actor.tenant_id, "program": program.id})}
    givable = program_choices(actor, "access_grant.create")
    fitting = [each for each in givable if each.id not in below and actor.may_in("program.update", each.id)]
    if program.parent_id is not None and all(each.id != program.parent_id for each in fitting):
        fitting += [each for each in programs_above(actor, program.id) if each.id == program.parent_id]
    return fitting


def program_choices(actor: Actor, permission: str = "program.view") -> list[Any]:
    """Id, key and name of every program in which the actor has `permission`, for a form's menu."""
    require_somewhere(actor, permission)
    if actor.may(permission):
        return list(rows_of(db.session, _CHOICES, {"tenant": actor.tenant_id}))
    given = {"tenant": actor.tenant_id, "places": actor.places_where(permission)}
    return list(rows_of(db.session, _WHERE_ALLOWED, given))


@cache
def _below() -> Select[Any]:
    """A program and all that lies in it."""
    lower = aliased(Program)
    start = (
        select(Program.id)
        .where(Program.application_instance_id == bindparam("tenant"), Program.id == bindparam("program"))
        .cte("below", recursive=True)
    )
    deeper = select(lower.id).join(start, lower.parent_id == start.c.id)
    return select(start.union(deeper.where(lower.application_instance_id == bindparam("tenant"))).c.id)
