"""Ten thousand grants of roles in one organisation, and somebody who holds as many: what asking for permission costs.

Each grant is of one role on one task, and put into the tables by the server itself.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from app.commands.programs import create_program
from app.commands.tenants import create_member, create_tenant, system_actor
from app.core import tenancy
from app.core.actor import Actor, Tenant, Visitor
from app.core.database import db
from app.core.ids import new_token
from app.core.paging import Paging
from app.core.permissions import fetch
from app.models.access_roles import AccessRole
from app.models.tasks import Task
from app.models.users import User
from app.models.workflows import WorkflowState
from app.queries.access_explanation import explain_access
from app.queries.identity import allowed_by, find_roles, tasks_by_role
from app.queries.tasks import TaskFilters, list_tasks
from app.schemas.programs import NewProgram
from app.schemas.tenants import NewMember, NewTenant
from benchmarks.stack import Stack

GRANTS = 10_000
PROGRAMS = 20
ROUNDS = 200
MOST_MS = 1.0  # what one check of a permission may take

_TASKS = """
    WITH instance AS (
        INSERT INTO workflow_instances (application_instance_id, id, workflow_id, state_id, entered_state_at)
        SELECT %(tenant)s, gen_random_uuid(), %(workflow)s, %(state)s, now() FROM generate_series(1, %(count)s)
        RETURNING id
    ), numbered AS (SELECT id, row_number() OVER () AS n FROM instance)
    INSERT INTO tasks (application_instance_id, id, program_id, number, name, description, workflow_instance_id,
        created_by_user_id, version, created_at, updated_at)
    SELECT %(tenant)s, gen_random_uuid(), (%(programs)s::uuid[])[1 + n %% %(many)s], n, 'Task ' || n, '', id,
        %(owner)s, 1, now(), now() FROM numbered"""
_GRANTS = """
    INSERT INTO access_grants (application_instance_id, id, access_role_id, user_id, task_id, created_at)
    SELECT %(tenant)s, gen_random_uuid(), %(role)s, %(holder)s, id, now() FROM tasks
    WHERE application_instance_id = %(tenant)s ORDER BY number LIMIT %(count)s"""


def measure(running: Stack, app: Flask) -> dict[str, Any]:
    """Deal the grants out, and ask."""
    with app.app_context():
        people = _fill(running)
        return {"grants": GRANTS, "people": {name: _asked(*each) for name, each in people.items()}}


def lines(found: dict[str, Any]) -> list[str]:
    """What was found, as a table for a person."""
    kinds = ("door", "check", "fetch", "list", "explain")
    told = [
        f"{found['grants']:,} grants to one person, and {found['grants']:,} to others, in one organisation.",
        "",
        "| | places with a role | statements | the door, ms | a check, µs | fetch, ms | page of 50, ms | explain, ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in found["people"].items():
        cells = " | ".join(f"{each[kind] * (1000 if kind == 'check' else 1):.1f}" for kind in kinds)
        told.append(f"| {name} | {each['places']:,} | {each['statements']} | {cells} |")
    return told


def _fill(running: Stack) -> dict[str, tuple[Tenant, int]]:
    """An organisation with tasks and grants on them: to one person, and as many to fifty others."""
    made = create_tenant(
        Visitor(),
        NewTenant(
            slug="granted",
            name="Granted",
            owner_email="owner@granted.example",
            owner_name="Olga Owner",
            owner_password=new_token(),
        ),
    )
    system = system_actor(made)
    names = ["guest", "helper", *(f"other{number}" for number in range(50))]
    for name in names:
        create_member(
            system, NewMember(email=f"{name}@granted.example", name=name.capitalize(), password=new_token(), role=None)
        )
    programs = [
        create_program(system, NewProgram(key=f"P{number}", name=f"P{number}")).id for number in range(PROGRAMS)
    ]
    with tenancy.entered(db.session, made.id):
        ids = {
            row.email.partition("@")[0]: row.user_id
            for row in db.session.scalars(select(User).where(User.email.endswith("@granted.example")))
        }
        role = db.session.scalars(select(AccessRole.id).where(AccessRole.key == "member")).one()
        state = db.session.scalars(select(WorkflowState).order_by(WorkflowState.position)).first()
        assert state is not None
        given = {
            "tenant": made.id,
            "workflow": state.workflow_id,
            "state": state.id,
            "programs": programs,
            "many": PROGRAMS,
            "owner": ids["owner"],
            "role": role,
        }
        db.session.rollback()
    with running.connect() as connection:
        connection.execute(_TASKS, given | {"count": GRANTS})
        connection.execute(_GRANTS, given | {"holder": ids["guest"], "count": GRANTS})
        connection.execute(_GRANTS, given | {"holder": ids["helper"], "count": 1})
        for name in names[2:]:
            connection.execute(_GRANTS, given | {"holder": ids[name], "count": GRANTS // 50})
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
    tenant = Tenant(made.id, made.slug, made.name)
    return {
        "holds 10,000 grants": (tenant, ids["guest"]),
        "holds one": (tenant, ids["helper"]),
        "owner": (tenant, ids["owner"]),
    }


def _asked(tenant: Tenant, user_id: int) -> dict[str, Any]:
    roles, statements = _counted(lambda: find_roles(tenant.id, user_id))
    assert statements == 1, f"The door took {statements} statements."
    actor = Actor(tenant=tenant, user_id=user_id, **allowed_by(roles or []))
    with tenancy.entered(db.session, tenant.id):
        task = db.session.scalars(select(Task).order_by(Task.number)).first()
        assert task is not None
        places = (task.program_id, task.id)
        assert actor.may("task.update", *places)
        found = {
            "places": sum(map(len, (*tasks_by_role(actor).values(), *(role.places for role in actor.local_roles)))),
            "statements": statements,
            "door": _timed(lambda: allowed_by(find_roles(tenant.id, user_id) or []), ROUNDS // 10),
            "check": _timed(lambda: actor.may("task.update", *places)),
            "fetch": _timed(lambda: fetch(actor, Task, task.id, "task.update")),
            "list": _timed(lambda: list_tasks(actor, TaskFilters(), Paging()), ROUNDS // 10),
            "explain": _timed(lambda: explain_access(actor, user_id, "task.update", task_id=task.id), ROUNDS // 10),
        }
        db.session.rollback()
    assert found["check"] < MOST_MS, f"One check of a permission took {found['check']:.3f} ms."
    return found


def _counted(act: Callable[[], Any]) -> tuple[Any, int]:
    """What `act` gives, and how many statements it sent."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        found = act()
        return found, len(seen)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _timed(act: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median time in milliseconds."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)
