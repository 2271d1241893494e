"""What leaves the product unasked: logs and the words of refusals. Neither holds a secret."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from datetime import timedelta
from urllib.parse import quote

import pytest
import structlog
from sqlalchemy import insert, select, text

from app import logs
from app.core import clock, tenancy, valkey
from app.core.audit import audit_events
from app.core.database import db
from app.core.ids import new_token
from app.models.invitations import hash_of
from app.models.user_sessions import password_resets
from app.queries.api_keys import list_api_keys
from app.web.door import public
from app.web.errors import as_refusal
from tests.factories import a_task
from tests.security.newcomers import newcomer
from tests.security.server import request

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture
def told():
    """What is logged in this process from now on, as text."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        logs.configure("INFO", "test")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))
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


def test_the_token_of_a_mail_is_in_no_log_and_no_answer(server, app, acme):
    """It stands in the address of the first request: the log names the route, and the browser is sent on without it."""
    dora, token = newcomer(acme), new_token()
    hour = clock.now() + timedelta(hours=1)
    db.session.execute(insert(password_resets).values(token_hash=hash_of(token), user_id=dora.user_id, expires_at=hour))
    db.session.commit()
    kept = {"Host": server.host, "Origin": f"http://{server.host}", "Cookie": f"reset={token}"}
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "20"}
    answers = [
        server.get(f"/password-reset/{token}?{token}={token}", Referer=f"http://{server.host}/{token}"),
        server.get("/new-password", Cookie=f"reset={token}"),
        server.send(request("POST", "/new-password", kept | kind, b"new_password=1234567")),
        server.get(f"/sign-up/{token}"),
        server.get(f"/invitations/{token}"),
    ]
    assert [answer.status for answer in answers] == [303, 200, 422, 404, 404]
    assert entry_of(server, answers[0])["route"] == "/password-reset/<secret>"
    assert token not in server.log
    assert not any(token in answer.text for answer in answers)


def test_no_place_holds_a_secret_in_clear(server, app, acme, alice):
    """Password, key, token and card number, in whatever part of a request: not in log, refusal, Valkey or trail."""
    canaries = {
        "password": f"correct horse {new_token()[:8]}",
        "key": f"ovk_live_{new_token()}",
        "token": new_token(),
        "card": "4929 4212 3456 7891",
    }
    key, cookie, task = alice.api_key, alice.cookie, a_task(alice)
    page = {"Host": server.host, "Origin": f"http://{server.host}", "Cookie": f"sid={cookie}"}

    def ask(method: str, path: str, headers: dict[str, str], body: str = "", kind: str = "x-www-form-urlencoded"):
        sized = {"Content-Type": f"application/{kind}", "Content-Length": str(len(body))}
        return server.send(request(method, path, headers | sized, body.encode()))

    refusals = []
    for secret in canaries.values():
        told, api = quote(secret), {"Host": server.host, "Authorization": f"Bearer {key}"}
        refusals += [
            ask("POST", "/sign-in", page, f"email={alice.actor.email}&password={told}"),
            ask("POST", f"/o/{acme.slug}/{told}", page),
            ask("GET", f"/o/{acme.slug}/tasks?{told}={told}", page),
            ask("GET", f"/api/v1/tasks/{told}", api),
            ask("GET", "/api/v1/tasks", {"Host": server.host, "Authorization": f"Bearer {secret}"}),
            ask("GET", "/api/v1/tasks", {"Host": server.host, "Cookie": f"sid={told}", "X-Api-Key": secret}),
            ask("PATCH", f"/api/v1/tasks/{task.id}", api | {"If-Match": secret}, json.dumps({"name": secret}), "json"),
            ask("POST", "/api/v1/programs", api, json.dumps({"key": secret, "name": 7}), "json"),
            ask("PUT", "/api/v1/tasks", api | {"User-Agent": secret, "Idempotency-Key": secret, "Referer": told}),
        ]
        body = json.dumps({"body": secret})
        commented = ask("POST", f"/api/v1/tasks/{task.id}/comments", api | {"User-Agent": secret}, body, "json")
        assert commented.status == 201
    assert {answer.status for answer in refusals} == {400, 401, 404, 405, 412, 422}
    places = {
        "log": server.log,
        "refusals": "\n".join(answer.text for answer in refusals),
        "valkey": _everything_in_valkey(),
        "trail": "\n".join(json.dumps(row, default=str) for row in trail_rows(acme)),
    }
    assert task.id.hex in places["trail"].replace("-", "")
    secrets = [*canaries.values(), canaries["card"].replace(" ", ""), key, cookie]
    found = [(place, secret) for place, held in places.items() for secret in secrets if secret in held]
    assert found == []


def _everything_in_valkey() -> str:
    """Keys and values of this worker's corner, and of the server's log of slow commands."""
    client = valkey.client()
    names = list(client.scan_iter("*"))
    held = b"\n".join(name + b" " + (client.dump(name) or b"") for name in names)
    assert b"rate:" in held
    return held.decode("latin-1") + str(client.slowlog_get(1000))


def trail_rows(organisation) -> list[dict]:
    """Every event of an organisation, as the database holds it."""
    with tenancy.entered(db.session, organisation.id):
        return [dict(row._mapping) for row in db.session.execute(select(audit_events))]


def test_a_line_of_the_log_says_who_asked_for_what_and_how_it_went(server, app, acme, alice):
    answer = server.get(f"/o/{acme.slug}/tasks?q=secret", Cookie=f"sid={alice.cookie}")
    entry = entry_of(server, answer)
    milliseconds, moment, size = entry.pop("milliseconds"), entry.pop("timestamp"), entry["bytes"]
    assert milliseconds > 0
    assert size > 1000
    assert moment.endswith("Z")
    assert entry == {
        "event": "request",
        "level": "info",
        "process": "web",
        "request_id": answer.headers["X-Request-ID"],
        "method": "GET",
        "route": "/o/<slug>/tasks",
        "ids": {},
        "status": 200,
        "bytes": size,
        "user_id": alice.user_id,
        "key_id": None,
        "tenant": acme.slug,
    }


def test_a_line_names_things_by_their_ids_and_a_key_by_its_own(server, app, alice):
    task, key = a_task(alice), alice.api_key
    answer = server.get(f"/api/v1/tasks/{task.id}", Authorization=f"Bearer {key}")
    entry = entry_of(server, answer)
    assert entry["route"] == "/api/v1/tasks/<uuid:task_id>"
    assert entry["ids"] == {"task_id": str(task.id)}
    [row] = [row for row in alice.sees(list_api_keys).rows if key.startswith(row.prefix)]
    assert (entry["key_id"], entry["user_id"]) == (str(row.id), alice.user_id)


def test_nobody_writes_a_line_of_their_own_into_the_log(server):
    """Log injection: of an address only its route is told, of a method only one that there is."""
    answer = server.get("/nothing%0a%7B%22event%22%3A%22forged%22%7D")
    assert answer.status == 404
    assert entry_of(server, answer)["route"] is None
    answer = server.send(request("FORGED", "/sign-in", {"Host": server.host}))
    assert entry_of(server, answer)["method"] == "other"
    assert "forged" not in server.log.lower()


def entry_of(server, answer) -> dict:
    """The line of the log that is about this answer."""
    number = answer.headers["X-Request-ID"]
    [line] = [line for line in server.log.splitlines() if f'"request_id":"{number}"' in line]
    return json.loads(line)


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
