"""How many statements a request sends to PostgreSQL: the same number for ten tasks as for ten thousand."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import event

from app.core.database import db
from benchmarks.data import Organisation


class NotFixedError(Exception):
    """A page asks more of the database where there are more rows."""


def count(app: Flask, few: Organisation, many: Organisation) -> list[dict[str, Any]]:
    """Statements of each page. Raises NotFixedError where the number grows with the rows."""
    found = [
        {"name": name, "few": _statements(app, few, path(few), headers(few)),
         "many": _statements(app, many, path(many), headers(many))}
        for name, path, headers in (
            ("task list page", lambda acme: acme.tasks, lambda acme: acme.as_person),
            ("task page", lambda acme: f"{acme.tasks}/{acme.task_id}", lambda acme: acme.as_person),
            ("API list of tasks", lambda acme: "/api/v1/tasks", lambda acme: acme.as_program),
        )
    ]  # fmt: skip
    grown = [row for row in found if row["few"] != row["many"]]
    if grown:
        raise NotFixedError(f"More rows, more queries: {grown}")
    return found


def _statements(app: Flask, acme: Organisation, path: str, headers: dict[str, str]) -> int:
    """The statements of one request, the second one: a key or session that was just seen is not noted again."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    host = app.config["SETTINGS"].host
    with app.app_context():
        engine = db.engine
    for _ in range(2):
        seen.clear()
        event.listen(engine, "before_cursor_execute", note)
        try:
            answer = app.test_client(use_cookies=False).get(path, headers=headers | {"Host": host})
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code == 200, f"{path}: {answer.status}"
    return len(seen)
