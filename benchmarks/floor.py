"""The bare floor: Flask, SQLAlchemy Core and Jinja over the same rows, and nothing else.

No login, no permissions, no row security (it reads as the superuser, whom row security does not bind), no audit, no
error pages, no security headers, no compression, no log line, no Markdown. It shows the same rows as the product, down
to the choices of each menu, writes the rows of a task into the same tables, and runs under the very gunicorn line of
the Procfile.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from flask import Flask, jsonify, render_template, request
from sqlalchemy import Connection, create_engine, text
from uuid_utils.compat import uuid7

app = Flask(__name__)
engine = create_engine(os.environ["FLOOR_DATABASE_URL"], pool_size=10)
tenant = uuid.UUID(os.environ["FLOOR_TENANT"])

TASKS = """
    SELECT t.id, p.key || '-' || t.number AS number, t.name, t.description, t.estimate_minutes, t.version,
           t.created_at, t.updated_at, t.deleted_at, t.program_id, p.name AS program_name, s.key AS state_key,
           s.name AS state_name, s.state_group, s.id AS state_id, s.workflow_id,
           (SELECT c.certification_status FROM runcible.certifications c
            WHERE c.application_instance_id = t.application_instance_id AND c.task_id = t.id
            ORDER BY c.id DESC LIMIT 1) AS certification_status
    FROM tasks t
    JOIN programs p ON p.id = t.program_id
    JOIN workflow_instances i ON i.id = t.workflow_instance_id
    JOIN workflow_states s ON s.id = i.state_id
    WHERE t.application_instance_id = :tenant AND """
NEWEST = text(TASKS + "t.deleted_at IS NULL AND p.deleted_at IS NULL ORDER BY t.id DESC LIMIT 51")
ONE = text(TASKS + "t.id = :id")
ASSIGNEES = text("""
    SELECT a.task_id, a.user_id, u.name FROM task_assignments a JOIN users u USING (user_id)
    WHERE a.application_instance_id = :tenant AND a.task_id = ANY(:ids) ORDER BY a.id""")
COMMENTS = text("""
    SELECT c.id, c.body, c.created_at, u.name AS author_name FROM task_comments c
    LEFT JOIN users u ON u.user_id = c.author_user_id
    WHERE c.application_instance_id = :tenant AND c.task_id = :id ORDER BY c.id LIMIT 500""")
CERTIFICATIONS = text("""
    SELECT c.id, c.certification_number, c.certification_status, c.model_name, c.created_at, p.name AS policy_name
    FROM runcible.certifications c JOIN runcible.governance_policies p ON p.id = c.governance_policy_id
    WHERE c.application_instance_id = :tenant AND c.task_id = :id ORDER BY c.id DESC LIMIT 20""")

PROGRAMS = text("""
    SELECT id, name FROM programs WHERE application_instance_id = :tenant AND deleted_at IS NULL ORDER BY name""")
STATES = text("""
    SELECT s.id, s.key, s.name, s.state_group, s.workflow_id, s.is_initial
    FROM workflow_states s JOIN workflows w ON w.id = s.workflow_id
    WHERE w.application_instance_id = :tenant ORDER BY w.version DESC, s.position""")
PEOPLE = text("""
    SELECT u.user_id, u.name FROM users u JOIN application_instance_users a USING (user_id)
    WHERE a.application_instance_id = :tenant AND a.deactivated_at IS NULL ORDER BY u.name""")
WAYS = text("""
    SELECT s.key, s.name, s.state_group, w.id IS NOT NULL AS allowed FROM workflow_states s
    LEFT JOIN workflow_transitions w ON w.to_state_id = s.id AND w.from_state_id = :state
    WHERE s.workflow_id = :workflow AND s.id <> :state ORDER BY w.id IS NULL, s.position""")

NEXT_NUMBER = text("""
    UPDATE programs SET last_task_number = last_task_number + 1
    WHERE id = :program_id AND application_instance_id = :tenant RETURNING last_task_number, key""")
INSERT_INSTANCE = text("""
    INSERT INTO workflow_instances (application_instance_id, id, workflow_id, state_id, entered_state_at)
    VALUES (:tenant, :id, :workflow_id, :state_id, now())""")
INSERT_TASK = text("""
    INSERT INTO tasks (application_instance_id, id, program_id, number, name, description, estimate_minutes,
        workflow_instance_id, version, created_at, updated_at)
    VALUES (:tenant, :id, :program_id, :number, :name, :description, :estimate_minutes, :instance_id, 1, now(), now())
    RETURNING created_at""")
INSERT_CERTIFICATION = text("""
    INSERT INTO floor.certifications (id, tenant_id, policy_id, output_content, llm_provider, model_name, input)
    VALUES (:id, :tenant, :governance_policy_id, :output_content, :llm_provider, :model_name, :input)
    RETURNING created_at""")


TOLD = (
    *("id", "number", "program_id", "name", "description", "estimate_minutes"),
    *("assignments", "version", "created_at", "updated_at", "deleted_at"),
)


@app.get("/")
def alive() -> str:
    return "ok"


@app.get("/tasks")
def list_tasks() -> str:
    given = {"tenant": tenant}
    with engine.connect() as connection:
        tasks = newest_tasks(connection)
        return render_template(
            "tasks.html",
            tasks=tasks[:50],
            more=tasks[50:],
            programs=connection.execute(PROGRAMS, given).all(),
            states=connection.execute(STATES, given).all(),
            people=connection.execute(PEOPLE, given).all(),
        )


@app.get("/tasks/<uuid:task_id>")
def show_task(task_id: uuid.UUID) -> str:
    given = {"tenant": tenant, "id": task_id}
    with engine.connect() as connection:
        task = connection.execute(ONE, given).one()
        return render_template(
            "task.html",
            task=task,
            ways=connection.execute(WAYS, {"state": task.state_id, "workflow": task.workflow_id}).all(),
            people=connection.execute(PEOPLE, given).all(),
            assignees=connection.execute(ASSIGNEES, {"tenant": tenant, "ids": [task_id]}).all(),
            comments=connection.execute(COMMENTS, given).all(),
            certifications=connection.execute(CERTIFICATIONS, given).all(),
        )


@app.get("/api/tasks")
def list_tasks_as_json() -> Any:
    with engine.connect() as connection:
        tasks = newest_tasks(connection)[:50]
    return jsonify(data=[as_json(task) for task in tasks])


@app.post("/tasks")
def create_task() -> Any:
    given = {**request.get_json(), "id": uuid7(), "instance_id": uuid7(), "tenant": tenant}
    with engine.begin() as connection:
        number, key = connection.execute(NEXT_NUMBER, given).one()
        state = next(row for row in connection.execute(STATES, given) if row.is_initial)
        instance = {"id": given["instance_id"], "workflow_id": state.workflow_id, "state_id": state.id}
        connection.execute(INSERT_INSTANCE, instance | {"tenant": tenant})
        created_at = connection.execute(INSERT_TASK, given | {"number": number}).scalar_one()
    told = {"number": f"{key}-{number}", "state": {"key": state.key, "name": state.name}, "created_at": created_at}
    return jsonify(data=given | told), 201


@app.post("/certifications")
def request_certification() -> Any:
    given = {**request.get_json(), "id": uuid7(), "tenant": tenant}
    with engine.begin() as connection:
        created_at = connection.execute(INSERT_CERTIFICATION, given).scalar_one()
    return jsonify(data={**given, "created_at": created_at}), 201


def newest_tasks(connection: Connection) -> list[dict[str, Any]]:
    """Fifty tasks, and one more to know of a next page, with their assignees: two queries."""
    tasks = [dict(row._mapping, assignments=[]) for row in connection.execute(NEWEST, {"tenant": tenant})]
    by_id = {task["id"]: task for task in tasks}
    for row in connection.execute(ASSIGNEES, {"tenant": tenant, "ids": list(by_id)}):
        by_id[row.task_id]["assignments"].append({"user_id": row.user_id, "name": row.name})
    return tasks


def as_json(task: dict[str, Any]) -> dict[str, Any]:
    """The fields that the product's API tells of a task."""
    return {
        **{name: task[name] for name in TOLD},
        "state": {"key": task["state_key"], "name": task["state_name"], "group": task["state_group"]},
    }
