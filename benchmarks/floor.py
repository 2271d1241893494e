"""The bare floor: Flask, SQLAlchemy Core and Jinja over the same rows, and nothing else.

No login, no permissions, no row security (it reads as the superuser, whom row security does not bind), no audit, no
error pages, no security headers, no compression, no log line, no filter menus. It shows the same fields in a page of
about the same size, and runs under the very gunicorn line of the Procfile.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from flask import Flask, jsonify, render_template, request
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine(os.environ["FLOOR_DATABASE_URL"], pool_size=10)
tenant = uuid.UUID(os.environ["FLOOR_TENANT"])

TASKS = """
    SELECT t.id, p.key || '-' || t.number AS number, t.name, t.description, t.estimate_minutes, t.version,
           t.created_at, t.updated_at, t.program_id, p.name AS program_name, s.key AS state_key, s.name AS state_name,
           s.state_group,
           (SELECT c.certification_status FROM runcible.certifications c
            WHERE c.application_instance_id = t.application_instance_id AND c.task_id = t.id
            ORDER BY c.id DESC LIMIT 1) AS certification_status
    FROM tasks t
    JOIN programs p ON p.id = t.program_id
    JOIN workflow_instances i ON i.id = t.workflow_instance_id
    JOIN workflow_states s ON s.id = i.state_id
    WHERE t.application_instance_id = :tenant AND """
NEWEST = text(TASKS + "t.deleted_at IS NULL AND p.deleted_at IS NULL ORDER BY t.id DESC LIMIT 50")
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

INSERT_TASK = text("""
    INSERT INTO floor.tasks (id, tenant_id, program_id, name, description, estimate_minutes)
    VALUES (:id, :tenant, :program_id, :name, :description, :estimate_minutes) RETURNING created_at""")
INSERT_CERTIFICATION = text("""
    INSERT INTO floor.certifications (id, tenant_id, policy_id, output_content, llm_provider, model_name, input)
    VALUES (:id, :tenant, :governance_policy_id, :output_content, :llm_provider, :model_name, :input)
    RETURNING created_at""")


@app.get("/")
def alive() -> str:
    return "ok"


@app.get("/tasks")
def list_tasks() -> str:
    return render_template("tasks.html", tasks=newest_tasks())


@app.get("/tasks/<uuid:task_id>")
def show_task(task_id: uuid.UUID) -> str:
    given = {"tenant": tenant, "id": task_id}
    with engine.connect() as connection:
        task = connection.execute(ONE, given).one()
        return render_template(
            "task.html",
            task=task,
            assignees=connection.execute(ASSIGNEES, {"tenant": tenant, "ids": [task_id]}).all(),
            comments=connection.execute(COMMENTS, given).all(),
            certifications=connection.execute(CERTIFICATIONS, given).all(),
        )


@app.get("/api/tasks")
def list_tasks_as_json() -> Any:
    return jsonify(data=[{**task, "state": {"key": task["state_key"], "name": task["state_name"]}}
                         for task in newest_tasks()])  # fmt: skip


@app.post("/tasks")
def create_task() -> Any:
    return insert(INSERT_TASK)


@app.post("/certifications")
def request_certification() -> Any:
    return insert(INSERT_CERTIFICATION)


def newest_tasks() -> list[dict[str, Any]]:
    """Fifty tasks with their assignees: two queries."""
    with engine.connect() as connection:
        tasks = [dict(row._mapping, assignments=[]) for row in connection.execute(NEWEST, {"tenant": tenant})]
        by_id = {task["id"]: task for task in tasks}
        for row in connection.execute(ASSIGNEES, {"tenant": tenant, "ids": list(by_id)}):
            by_id[row.task_id]["assignments"].append({"user_id": row.user_id, "name": row.name})
    return tasks


def insert(statement: Any) -> Any:
    """Insert what was sent, and answer with it."""
    given = {**request.get_json(), "id": uuid.uuid4(), "tenant": tenant}
    with engine.begin() as connection:
        created_at = connection.execute(statement, given).scalar_one()
    return jsonify(data={**given, "created_at": created_at}), 201
