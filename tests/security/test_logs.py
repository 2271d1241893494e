"""What leaves the product unasked: logs and the words of refusals. Neither holds a secret."""

from __future__ import annotations

import contextlib
import io
import json
import logging

import pytest
import structlog
from sqlalchemy import text

from app import logs
from app.core.database import db
from app.core.ids import new_token
from app.web.errors import as_refusal
from app.web.sign_in import public
from tests.factories import a_task
from tests.security.server import request

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture
def told():
    """What is logged in this process from now on, as text."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        logs.configure("INFO", "test")
    yield stream.getvalue
    logs.configure("ERROR", "web")


def test_the_log_of_a_server_holds_no_secret(server, app, acme, alice):
    """Passwords, keys, cookies, texts and names go in through every door, rightly and wrongly; none comes out."""
    canary = f"canary-{new_token()}"
    key, cookie = alice.api_key, alice.cookie
    task = a_task(alice)
    page = {"Host": server.host, "Origin": f"http://{server.host}", "Cookie": f"sid={cookie}"}
    api = {"Host": server.host, "Authorization": f"Bearer {key}"}

    def form(path: str, fields: str, headers=page) -> int:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(fields))}
        return server.send(request("POST", path, headers | kind, fields.encode())).status

    def data(method: str, path: str, body: object, headers=api) -> int:
        raw = json.dumps(body).encode()
        kind = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
        return server.send(request(method, path, headers | kind, raw)).status

    content = {"output_content": canary, "llm_provider": "p", "model_name": "m", "input": canary}
    policy = {"governance_policy_id": str(acme.policies["general"])}
    answers = [
        form("/sign-in", f"email={canary}@acme.example&password={canary}"),
        form("/sign-in", f"email={alice.actor.email}&password={canary}%00"),
        form(f"/o/{acme.slug}/tasks", f"program_id={task.program_id}&name={canary}&description={canary}"),
        form(f"/o/{acme.slug}/tasks", f"program_id={canary}&name={canary}&description={canary}"),
        form(f"/o/{acme.slug}/tasks/{task.id}/comments", f"body={canary}"),
        data("POST", "/api/v1/certifications", content | policy),
        data("POST", "/api/v1/certifications", content | {"governance_policy_id": canary}),
        data("PATCH", f"/api/v1/tasks/{task.id}", {"description": canary, "version": 99}),
        data("POST", "/api/v1/programs", {"key": canary, "name": canary}),
        server.get(f"/api/v1/tasks?q={canary}", **{"Authorization": f"Bearer {canary}"}).status,
        server.get(f"/api/v1/tasks?q={canary}", **{"Authorization": f"Bearer {key}"}).status,
        server.get(f"/sign-in?next={canary}", Cookie=f"sid={canary}").status,
        server.get("/sign-in", **{"User-Agent": canary, "Referer": f"http://{server.host}/{canary}"}).status,
        server.get("/api/v1/nothing", **{"Idempotency-Key": canary, "X-Request-ID": canary}).status,
    ]
    assert answers == [422, 422, 303, 422, 303, 201, 422, 409, 422, 401, 200, 200, 200, 404]
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert len([line for line in lines if line["event"] == "request"]) >= len(answers)
    for secret in (canary, key, key[len("ovk_live_") :], cookie, alice.actor.email):
        assert secret not in server.log


def test_a_line_of_the_log_says_who_asked_for_what_and_how_it_went(server, app, acme, alice):
    answer = server.get(f"/o/{acme.slug}/tasks?q=secret", Cookie=f"sid={alice.cookie}")
    [line] = [line for line in server.log.splitlines() if answer.headers["X-Request-ID"] in line]
    entry = json.loads(line)
    milliseconds, moment = entry.pop("milliseconds"), entry.pop("timestamp")
    assert milliseconds > 0
    assert moment.endswith("Z")
    assert entry == {
        "event": "request",
        "level": "info",
        "process": "web",
        "request_id": answer.headers["X-Request-ID"],
        "method": "GET",
        "path": f"/o/{acme.slug}/tasks",
        "status": 200,
        "user_id": alice.user_id,
        "tenant": acme.slug,
    }


def test_nobody_writes_a_line_of_their_own_into_the_log(server):
    """Log injection: a line break in an address stays inside of its line."""
    answer = server.get("/nothing%0a%7B%22event%22%3A%22forged%22%7D")
    assert answer.status == 404
    lines = server.log.splitlines()
    assert not [line for line in lines if line.startswith('{"event":"forged"')]
    [entry] = [json.loads(line) for line in lines if answer.headers["X-Request-ID"] in line]
    assert entry["path"] == '/nothing\n{"event":"forged"}'


def test_an_error_of_the_database_is_logged_without_the_values(app, told):
    secret = f"canary-{new_token()}"
    with app.test_request_context("/"):
        try:
            db.session.execute(text("SELECT CAST(:given AS uuid)"), {"given": secret})
        except Exception as error:
            db.session.rollback()
            refusal = as_refusal(error)
    log = told()
    assert "request.failed" in log
    assert "22P02" in log
    assert "test_logs.py" in log
    assert secret not in log
    assert secret not in refusal.message


@pytest.mark.parametrize("logger_of", [structlog.get_logger, logging.getLogger], ids=["ours", "a library's"])
def test_an_error_that_repeats_a_value_is_logged_without_it(told, logger_of):
    secret = f"canary-{new_token()}"
    try:
        try:
            int(secret)
        except ValueError as cause:
            raise KeyError(secret) from cause
    except KeyError as error:
        logger_of("test").error("failed", exc_info=error)
    log = told()
    assert "ValueError" in log
    assert "KeyError" in log
    assert "test_logs.py" in log
    assert secret not in log


def test_a_defect_is_told_without_its_inside(web_app, app, told, monkeypatch):
    """Whatever breaks: the client gets a reference that finds the line in the log, and nothing else."""
    secret = f"canary-{new_token()}"

    def broken() -> None:
        raise LookupError(secret)

    monkeypatch.setitem(web_app.view_functions, "sessions.new", public(broken))
    answer = web_app.test_client().get("/sign-in")
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text
    log = told()
    assert "LookupError" in log
    for inside in (secret, "LookupError", "Traceback", "test_logs.py"):
        assert inside not in answer.text
    assert secret not in log
