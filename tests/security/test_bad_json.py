"""The table of bad inputs, through the JSON API: what each gets, in which form, and that nothing came of it."""

from __future__ import annotations

import json
import time

import pytest

from app.core.ids import new_secret_id
from tests.security.world import CANARY, World

MEBIBYTE = 1024 * 1024

# What is sent to POST /api/v1/tasks, PROGRAM being the id of a program; then status, code, and the field at fault.
BODIES = {
    "U+0000 in a text": (rb'{"program_id":PROGRAM,"name":"a\u0000b"}', 422, "VALIDATION_ERROR", "name"),
    "a raw zero byte": (b'{"program_id":PROGRAM,"name":"a\x00b"}', 400, "MALFORMED_JSON", None),
    "half a surrogate pair": (rb'{"program_id":PROGRAM,"name":"\ud800"}', 422, "VALIDATION_ERROR", "name"),
    "bytes that are no UTF-8": (b'{"program_id":PROGRAM,"name":"\xff"}', 400, "MALFORMED_JSON", None),
    "UTF-16": ('{"name":"x"}'.encode("utf-16"), 400, "MALFORMED_JSON", None),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "MALFORMED_JSON", None),
    "more than any number": (
        b'{"program_id":PROGRAM,"name":"x","estimate_minutes":1e400}',
        422,
        "VALIDATION_ERROR",
        "estimate_minutes",
    ),
    "a number like an eternity": (
        b'{"program_id":PROGRAM,"name":"x","estimate_minutes":1e999999}',
        422,
        "VALIDATION_ERROR",
        "estimate_minutes",
    ),
    "NaN": (b'{"program_id":PROGRAM,"name":"x","estimate_minutes":NaN}', 400, "MALFORMED_JSON", None),
    "minus infinity": (b'{"program_id":PROGRAM,"name":"x","estimate_minutes":-Infinity}', 400, "MALFORMED_JSON", None),
    "five thousand digits": (
        b'{"program_id":PROGRAM,"name":"x","estimate_minutes":' + b"9" * 5000 + b"}",
        422,
        "VALIDATION_ERROR",
        "estimate_minutes",
    ),
    "a key twice": (b'{"program_id":PROGRAM,"name":"x","name":"y"}', 400, "DUPLICATE_KEY", None),
    "33 levels": (b'{"name":' + b"[" * 32 + b"]" * 32 + b"}", 400, "JSON_TOO_DEEP", None),
    "a hundred thousand levels": (b"[" * 100_000, 400, "JSON_TOO_DEEP", None),
    "a list": (b"[]", 400, "MALFORMED_JSON", None),
    "null": (b"null", 400, "MALFORMED_JSON", None),
    "a text": (b'"x"', 400, "MALFORMED_JSON", None),
    "nothing": (b"", 400, "MALFORMED_JSON", None),
    "something behind the end": (b'{"program_id":PROGRAM,"name":"x"} x', 400, "MALFORMED_JSON", None),
    "no name": (b'{"program_id":PROGRAM}', 422, "VALIDATION_ERROR", "name"),
    "a field nobody knows": (b'{"program_id":PROGRAM,"name":"x","colour":1}', 422, "VALIDATION_ERROR", "colour"),
    "another tenant's id": (
        b'{"program_id":PROGRAM,"name":"x","application_instance_id":PROGRAM}',
        422,
        "VALIDATION_ERROR",
        "application_instance_id",
    ),
    "a right of one's own": (b'{"program_id":PROGRAM,"name":"x","is_admin":true}', 422, "VALIDATION_ERROR", "is_admin"),
    "a state of one's own": (b'{"program_id":PROGRAM,"name":"x","state":"done"}', 422, "VALIDATION_ERROR", "state"),
    "a number of one's own": (b'{"program_id":PROGRAM,"name":"x","number":7}', 422, "VALIDATION_ERROR", "number"),
    "a list for a name": (b'{"program_id":PROGRAM,"name":["x"]}', 422, "VALIDATION_ERROR", "name"),
    "an object for a name": (b'{"program_id":PROGRAM,"name":{"x":1}}', 422, "VALIDATION_ERROR", "name"),
    "true for a name": (b'{"program_id":PROGRAM,"name":true}', 422, "VALIDATION_ERROR", "name"),
    "a long name": (b'{"program_id":PROGRAM,"name":"' + b"x" * 201 + b'"}', 422, "VALIDATION_ERROR", "name"),
    "an empty name": (b'{"program_id":PROGRAM,"name":"  "}', 422, "VALIDATION_ERROR", "name"),
    "a line break in a name": (rb'{"program_id":PROGRAM,"name":"a\nb"}', 422, "VALIDATION_ERROR", "name"),
    "an id that is none": (b'{"program_id":"7","name":"x"}', 422, "VALIDATION_ERROR", "program_id"),
    "an id that is a number": (b'{"program_id":7,"name":"x"}', 422, "VALIDATION_ERROR", "program_id"),
    "an id of nothing": (
        json.dumps({"program_id": str(new_secret_id()), "name": "x"}).encode(),
        422,
        "VALIDATION_ERROR",
        "program_id",
    ),
    "more than a mebibyte": (
        b'{"program_id":PROGRAM,"name":"' + b"x" * MEBIBYTE + b'"}',
        413,
        "PAYLOAD_TOO_LARGE",
        None,
    ),
    "more than any body": (b'{"name":"' + b"x" * (2 * MEBIBYTE) + b'"}', 413, "PAYLOAD_TOO_LARGE", None),
    "a million commas": (b'{"name":[' + b"0," * 500_000 + b"0]}", 413, "PAYLOAD_TOO_LARGE", None),
}
NUMBERS = ["2147483648", "9223372036854775808", "-1", "true", '"1"', "1.5", "1.0", "[1]", "{}"]
PEOPLE = ["true", "false", '"1"', '""', "0", "-1", "1.0", "9007199254740992", "9223372036854775808", "[]", "{}"]
LISTS = ["/users", "/access-grants", "/user-groups", "/auth/keys", "/audit/exports"]
LISTED_WRONG = ["limit=0", "limit=-1", "limit=201", "cursor=forged", "cursor=%C3%A9", "colour=red", "%00=1"]
HEADERS = {
    "text": ({"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no type": ({"Content-Type": ""}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another character set": (
        {"Content-Type": "application/json; charset=utf-16"},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "a compressed body": ({"Content-Encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "an answer in XML": ({"Accept": "application/xml"}, 406, "NOT_ACCEPTABLE"),
    "an answer in HTML": ({"Accept": "text/html"}, 406, "NOT_ACCEPTABLE"),
    "another host": ({"Host": "evil.example"}, 400, "BAD_HOST"),
    "a host with a port": ({"Host": "localhost:1"}, 400, "BAD_HOST"),
    "no host at all": ({"Host": ""}, 400, "BAD_HOST"),
    "an idempotency key without end": ({"Idempotency-Key": "k" * 256}, 400, "IDEMPOTENCY_KEY_INVALID"),
    "an empty idempotency key": ({"Idempotency-Key": ""}, 400, "IDEMPOTENCY_KEY_INVALID"),
    "an idempotency key of other letters": ({"Idempotency-Key": "\xe9"}, 400, "IDEMPOTENCY_KEY_INVALID"),
}
PARAMETERS = [
    "q=%00",
    "q=%08",
    "limit=-1",
    "limit=0",
    "limit=201",
    "limit=1e9",
    "limit=1000000000",
    "limit=%D9%A3",
    "cursor=forged",
    "cursor=%C3%A9",
    "cursor=" + "A" * 5000,
    "sort=;drop",
    "filter[x]=y",
    "program_id=7",
    "assignee_id=x",
    "assignee_id=-1",
    "assignee_id=99999999999999999999",
    "q=a&q=b",
    "fields=secret_hash",
    "%00=1",
]
NOT_THERE = [
    "/api/v1/tasks/not-a-uuid",
    "/api/v1/tasks/%00",
    "/api/v1/tasks/../tasks/x",
    "/api/v1/nothing",
    "/api/v2/tasks",
    "/api/",
    "/api",
]
METHODS = [
    ("TRACE", "/api/v1/tasks"),
    ("FOO", "/api/v1/tasks"),
    ("PUT", "/api/v1/tasks"),
    ("DELETE", "/api/v1/tasks"),
    ("POST", "/api/v1/policies"),
    ("POST", "/api/v1/trust-root"),
]


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_refused_and_leaves_nothing(app, world: World, case):
    body, status, code, field = BODIES[case]
    before = world.trace()
    began = time.process_time()
    answer = send(world, "POST", "/api/v1/tasks", body.replace(b"PROGRAM", program_id(world)))
    assert time.process_time() - began < 1, "A hostile body costs next to nothing."
    assert_refused(answer, status, code)
    if field is not None:
        assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]
        assert all(detail["message"] for detail in answer.json["error"]["details"])
    assert world.trace() == before


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_will_not_do_is_refused(app, world: World, number):
    body = f'{{"program_id":{program_id(world).decode()},"name":"x","estimate_minutes":{number}}}'.encode()
    before = world.trace()
    answer = send(world, "POST", "/api/v1/tasks", body)
    assert_refused(answer, 422, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["estimate_minutes"]
    assert world.trace() == before


@pytest.mark.parametrize("number", PEOPLE)
@pytest.mark.parametrize("path", ["/api/v1/access-grants", "/api/v1/user-groups/GROUP/members"])
def test_a_person_who_is_no_number_of_one_is_refused(app, world: World, path, number):
    role = f'"access_role_id":"{world.things["access_role_id"]}",' if path.endswith("grants") else ""
    before = world.trace()
    answer = send(
        world, "POST", path.replace("GROUP", world.things["group_id"]), f'{{{role}"user_id":{number}}}'.encode()
    )
    assert_refused(answer, 422, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["user_id"]
    assert world.trace() == before


@pytest.mark.parametrize("query", LISTED_WRONG)
@pytest.mark.parametrize("path", LISTS)
def test_a_list_of_who_may_do_what_refuses_what_it_does_not_know(app, world: World, path, query):
    answer = send(world, "GET", f"/api/v1{path}?{query}")
    assert_refused(answer, 400, "INVALID_PARAMETER")
    assert len(answer.json["error"]["details"]) == 1
    assert send(world, "GET", f"/api/v1{path}").status_code == 200


def test_every_field_that_will_not_do_is_named_at_once(app, world: World):
    answer = send(world, "POST", "/api/v1/tasks", b'{"name":7,"estimate_minutes":-1,"colour":1}')
    assert_refused(answer, 422, "VALIDATION_ERROR")
    fields = {detail["field"] for detail in answer.json["error"]["details"]}
    assert fields == {"program_id", "name", "estimate_minutes", "colour"}


@pytest.mark.parametrize("case", HEADERS)
def test_a_bad_header_is_refused_and_leaves_nothing(app, world: World, case):
    headers, status, code = HEADERS[case]
    before = world.trace()
    body = b'{"program_id":' + program_id(world) + b',"name":"x"}'
    answer = send(world, "POST", "/api/v1/tasks", body, **headers)
    assert_refused(answer, status, code)
    assert world.trace() == before


@pytest.mark.parametrize("query", PARAMETERS)
@pytest.mark.parametrize("door", ["json", "page"])
def test_a_bad_parameter_is_refused_by_name(app, world: World, query, door):
    if door == "json":
        answer = send(world, "GET", f"/api/v1/tasks?{query}")
        assert_refused(answer, 400, "INVALID_PARAMETER")
        assert len(answer.json["error"]["details"]) == 1
        return
    if query.startswith(("fields=", "program_id=", "assignee_id=")):
        query = query.replace("_id", "")
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    answer = client.get(f"/o/{world.acme.slug}/tasks?{query}")
    assert answer.status_code == 400
    assert "INVALID_PARAMETER" in answer.text


@pytest.mark.parametrize("path", NOT_THERE)
def test_what_is_not_there_is_404_in_json(app, world: World, path):
    assert_refused(send(world, "GET", path), 404, "NOT_FOUND")


def test_an_address_that_is_no_utf8_is_refused(app, world: World):
    assert_refused(send(world, "GET", "/api/v1/tasks?q=%ff"), 400, "MALFORMED_REQUEST")


def test_a_person_with_more_digits_than_any_is_404(app, world: World):
    path = f"/api/v1/tasks/{world.things['task_id']}/assign/99999999999999999999"
    assert_refused(send(world, "DELETE", path), 404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_another_method_is_405_and_says_which_there_are(app, world: World, method, path):
    answer = send(world, method, path, b"{}")
    assert_refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]


def test_the_bundle_may_be_asked_for_by_its_own_media_type(app, world: World):
    path = f"/api/v1/certifications/{world.things['certification_id']}/bundle"
    wanted = "application/vnd.runcible.bundle.v1+json"
    answer = send(world, "GET", path, Accept=wanted)
    assert (answer.status_code, answer.mimetype) == (200, wanted)


def test_an_idempotency_key_belongs_to_one_body(app, world: World):
    bodies = [b'{"key":"IDEM%d","name":"%d"}' % (number, number) for number in (1, 2)]
    key = {"Idempotency-Key": f"once-{new_secret_id()}"}
    first = send(world, "POST", "/api/v1/programs", bodies[0], **key)
    again = send(world, "POST", "/api/v1/programs", bodies[0], **key)
    assert first.status_code == again.status_code == 201
    assert first.json["data"] == again.json["data"]
    before = world.trace()
    assert_refused(send(world, "POST", "/api/v1/programs", bodies[1], **key), 422, "IDEMPOTENCY_KEY_REUSED")
    assert world.trace() == before


def test_a_state_that_cannot_be_reached_is_a_conflict(app, world: World):
    path = f"/api/v1/tasks/{world.things['task_id']}/workflow"
    before = world.trace()
    assert_refused(send(world, "POST", path, b'{"state":"done"}'), 409, "INVALID_TRANSITION")
    assert world.trace() == before


@pytest.mark.parametrize("tag", ['"v999"', "v1", '"v998", "v999"', 'W/"v999"', "\\", "\xe9"])
def test_a_stale_if_match_is_412(app, world: World, tag):
    path = f"/api/v1/programs/{world.things['program_id']}"
    before = world.trace()
    answer = send(world, "PATCH", path, b'{"name":"stale"}', **{"If-Match": tag})
    assert_refused(answer, 412, "VERSION_CONFLICT")
    assert world.trace() == before


def test_a_stale_version_in_the_body_is_409(app, world: World):
    path = f"/api/v1/programs/{world.things['program_id']}"
    answer = send(world, "PATCH", path, b'{"name":"stale","version":999}')
    assert_refused(answer, 409, "VERSION_CONFLICT")


def test_hidden_characters_in_content_are_kept_and_pointed_at(app, world: World):
    """A text that reads backwards is judged by its policy, byte for byte as it came."""
    content = f"{CANARY} abc \u202edef"
    given = {
        "output_content": content,
        "llm_provider": "p",
        "model_name": "m",
        "input": "i",
        "governance_policy_id": world.things["policy_id"],
    }
    answer = send(world, "POST", "/api/v1/certifications", json.dumps(given).encode())
    assert answer.status_code == 201
    assert answer.json["data"]["output_content"]["text"] == content


def send(world: World, method: str, path: str, body: bytes = b"", **headers: str):
    """A request of alice's, with a key that may do everything."""
    key = {"Authorization": f"Bearer {world.people['alice'].api_key}", "Content-Type": "application/json"}
    return world.app.test_client().open(path, method=method, data=body, headers=key | headers)


def program_id(world: World) -> bytes:
    return json.dumps(world.things["program_id"]).encode()


def assert_refused(answer, status: int, code: str) -> None:
    """The one form of every refusal: JSON with code, message and details, and nothing of the inside."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(answer.json) == {"error"}
    error = answer.json["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "details"}
    assert error["message"]
    assert all(set(detail) == {"field", "message"} for detail in error["details"])
    for inside in ("Traceback", "sqlalchemy", "psycopg", "SELECT", 'File "'):
        assert inside not in answer.text
