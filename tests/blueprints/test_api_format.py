"""The API answers in the seed's format: data, meta and links; and an error as code, message and details."""

from __future__ import annotations

import re

import pytest

from tests.factories import HONEST, a_certification, a_program, a_task

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
NOWHERE = "0199aaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa"

TASK = {"id", "number", "program_id", "name", "description", "estimate_minutes", "state", "assignments", "version",
        "created_at", "updated_at", "deleted_at"}  # fmt: skip
PROGRAM = {"id", "key", "name", "description", "parent_id", "version", "created_at", "updated_at", "deleted_at"}
# The columns of the seed's table `certifications`, all of them.
SEED = {"id", "certification_number", "llm_output_id", "llm_provider", "model_name", "input_hash", "output_hash",
        "output_content", "governance_policy_id", "certification_status", "certified_at", "expires_at",
        "certified_by_user_id", "signature", "signature_algorithm", "created_at", "updated_at"}  # fmt: skip


@pytest.fixture
def things(alice, form):
    """One of everything that has an address."""
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    form(alice).comment_on_task(task.id, body="Nearly.")
    certification = a_certification(alice, task_id=task.id)
    return {"program": program.id, "task": task.id, "certification": certification,
            "policy": alice.organisation.policies["general"]}  # fmt: skip


SINGLE = ["/programs/{program}", "/tasks/{task}", "/certifications/{certification}", "/policies/{policy}"]
PAGED = ["/programs", "/users", "/tasks", "/certifications", "/certifications/{certification}/audit",
         "/tasks/{task}/comments", "/tasks/{task}/history", "/programs/{program}/history"]  # fmt: skip
WHOLE = ["/policies", "/certifications/{certification}/versions"]


def test_one_thing_is_data_with_a_link_to_itself(api, alice, things):
    for path in SINGLE:
        address = path.format(**things)
        answer = api(alice).get(address)
        assert (answer.status_code, answer.content_type) == (200, "application/json; charset=utf-8"), path
        assert set(answer.json) == {"data", "meta", "links"}, path
        assert isinstance(answer.json["data"], dict), path
        assert (answer.json["meta"], answer.json["links"]) == ({}, {"self": f"/api/v1{address}"}), path


def test_a_list_says_how_it_is_paged_and_narrowed(api, alice, things):
    for path in PAGED + WHOLE:
        address = path.format(**things)
        answer = api(alice).get(address)
        assert (answer.status_code, answer.content_type) == (200, "application/json; charset=utf-8"), path
        rows = answer.json["data"]
        assert isinstance(rows, list), path
        assert rows, path
        pagination = {
            "per_page": 50 if path in PAGED else len(rows),
            "count": len(rows),
            "next_cursor": None,
            "prev_cursor": None,
        }
        assert answer.json == {
            "data": rows,
            "meta": {"pagination": pagination, "filters": {}},
            "links": {"self": f"/api/v1{address}", "next": None, "prev": None},
        }, path


def test_every_moment_is_utc_to_the_microsecond(api, alice, things):
    for path in SINGLE + PAGED + WHOLE:
        told = api(alice).get(path.format(**things)).json["data"]
        rows = told if isinstance(told, list) else [told]
        moments = [value for row in rows for name, value in row.items() if name.endswith("_at") and value is not None]
        assert moments or path == "/users", path
        assert all(INSTANT.fullmatch(moment) for moment in moments), (path, moments)


def test_a_task_and_a_program_have_these_fields(api, alice, things):
    assert set(api(alice).get(f"/tasks/{things['task']}").json["data"]) == TASK
    assert set(api(alice).get(f"/programs/{things['program']}").json["data"]) == PROGRAM
    assert {frozenset(row) for row in api(alice).get("/tasks").json["data"]} == {frozenset(TASK)}


def test_a_certification_has_every_column_of_the_seed(api, alice, things):
    told = api(alice).get(f"/certifications/{things['certification']}").json["data"]
    assert set(told) >= SEED
    assert told["output_content"] == {"media_type": "text/plain; charset=utf-8", "text": HONEST}
    assert told["task_id"] == str(things["task"])
    assert told["signature_algorithm"] == "RSA-SHA256"


def test_a_list_of_certifications_holds_no_content(api, alice, things):
    (row,) = api(alice).get("/certifications").json["data"]
    assert set(row) >= SEED - {"output_content", "signature", "certified_by_user_id"}
    assert "output_content" not in row


def test_filters_are_repeated_under_the_names_they_were_given(api, alice, things):
    address = f"/tasks?program_id={things['program']}&state=todo&assignee_id={alice.user_id}&q=plants&limit=7"
    answer = api(alice).get(address).json
    assert answer["meta"]["filters"] == {
        "program_id": str(things["program"]),
        "state": "todo",
        "assignee_id": str(alice.user_id),
        "q": "plants",
    }
    assert answer["meta"]["pagination"]["per_page"] == 7
    assert answer["links"]["self"] == f"/api/v1{address}"
    status = api(alice).get(f"/certifications?status=certified&task_id={things['task']}").json
    assert status["meta"]["filters"] == {"status": "certified", "task_id": str(things["task"])}


def test_what_was_made_is_answered_with_its_address_and_its_version(api, alice, things):
    made = api(alice).create_task(program_id=things["program"], name="Feed the cat")
    assert made.status_code == 201
    task = made.json["data"]
    assert made.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert made.headers["ETag"] == '"v1"'
    assert (task["number"], task["state"]) == ("OPS-2", {"key": "todo", "name": "To do", "group": "unstarted"})
    assert api(alice).client.get(made.headers["Location"], headers=api(alice).headers).json["data"] == task


def test_what_was_deleted_is_answered_with_nothing(api, alice, things):
    answer = api(alice).delete_task(things["task"])
    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize(
    ("act", "status", "error"),
    [
        (
            lambda door, things: door.create_task(name="", estimate_minutes=-1, number=3),
            422,
            {
                "code": "VALIDATION_ERROR",
                "message": "The given data was invalid.",
                "details": [
                    {"field": "program_id", "message": "This is required."},
                    {"field": "name", "message": "This is required."},
                    {"field": "estimate_minutes", "message": "This must be 0 or more."},
                    {"field": "number", "message": "This field is not known here."},
                ],
            },
        ),
        (
            lambda door, things: door.get(f"/tasks/{NOWHERE}"),
            404,
            {"code": "NOT_FOUND", "message": "There is nothing here that you may see.", "details": []},
        ),
        (
            lambda door, things: door.move_task(things["task"], state="done"),
            409,
            {
                "code": "INVALID_TRANSITION",
                "message": "A task that is in “To do” cannot go straight to “Done”."
                " From there it can go to Doing or Cancelled.",
                "details": [],
            },
        ),
        (
            lambda door, things: door.get("/tasks?limit=0&sort=name"),
            400,
            {
                "code": "INVALID_PARAMETER",
                "message": "A parameter of the address was invalid.",
                "details": [{"field": "sort", "message": "This parameter is not known here."}],
            },
        ),
        (
            lambda door, things: door.send("PUT", f"/tasks/{things['task']}", {}),
            405,
            {"code": "METHOD_NOT_ALLOWED", "message": "This address does not take that method.", "details": []},
        ),
    ],
)
def test_an_error_has_a_code_a_sentence_and_one_detail_a_field(api, alice, things, act, status, error):
    answer = act(api(alice), things)
    assert answer.status_code == status
    assert answer.content_type == "application/json; charset=utf-8"
    assert answer.json == {"error": error}


def test_a_viewer_is_told_that_they_may_not(api, carol, things):
    answer = api(carol).update_task(things["task"], name="Mine")
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "FORBIDDEN"


def test_without_a_key_the_answer_says_how_to_send_one(web_app):
    answer = web_app.test_client().get("/api/v1/tasks")
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "UNAUTHENTICATED"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Oversing"'


def test_the_trust_root_is_for_everybody(web_app, app):
    answer = web_app.test_client().get("/api/v1/trust-root")
    assert answer.status_code == 200
    assert set(answer.json) == {"data", "meta", "links"}
    assert b"PRIVATE" not in answer.data
