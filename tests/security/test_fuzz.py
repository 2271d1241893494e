"""Anything at all, sent everywhere: whatever it gets, it is never a defect of ours, and always in the one form."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors import ORIGIN
from tests.security.newcomers import newcomer
from tests.security.world import ACCESS, World

often = settings(
    max_examples=25,
    suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.function_scoped_fixture],
)

NASTY = st.sampled_from(
    [
        *("", " ", "\n", "\u202e", "\ufeff", "\U000e0041", "a\u0308", "ﬀ", "İ", "\u2028", "x" * 300, "0", "-1", "null"),
        *("true", "1e5", "NaN", "../../etc/passwd", "'; DROP TABLE tasks; --", "<script>", "{{7*7}}", "%s%n", "${7*7}"),
        *("00000000-0000-0000-0000-000000000000", "urn:uuid:00000000-0000-0000-0000-000000000000", "2024-02-30"),
        *("0000-00-00", "294277-01-01T00:00:00Z", "(a+)+$", "application/json", "{task_id}", "\u0001", "٣", "+1"),
    ]
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 2**31 - 1, 2**31, 2**53, 2**63, 10**40]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, NASTY, st.text(st.characters(codec="utf-8"), max_size=30)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NASTY | st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)
TEXTS = st.one_of(NASTY, st.text(st.characters(codec="utf-8"), max_size=40), st.integers().map(str))

JSON_ROUTES = [name for name in ACCESS if "json" in ACCESS[name] and "/api/" in name]
TOLD_BY_PAGES = [name for name in ACCESS if "json" in ACCESS[name] and "/api/" not in name]
FORM_ROUTES = [name for name in ACCESS if ACCESS[name].get("form") and name != "POST /sign-in"]
LISTS = [
    *("/api/v1/tasks", "/api/v1/programs", "/api/v1/certifications", "/api/v1/policies", "/api/v1/users"),
    *("/o/{slug}/tasks", "/o/{slug}/programs", "/o/{slug}/certifications", "/o/{slug}/tasks/new"),
]
PARAMETERS = [
    "q",
    "program_id",
    "program",
    "state",
    "status",
    "assignee_id",
    "assignee",
    "task_id",
    "cursor",
    "limit",
    "fields",
]


@pytest.mark.parametrize("name", JSON_ROUTES)
def test_any_json_gets_an_answer(app, world: World, name):
    """Real bodies with one or more values exchanged for anything: most of what a client does wrong looks like this."""
    row = ACCESS[name]
    ids = world.ids(row.get("needs"))
    fields = sorted(row["json"])

    @often
    @given(st.dictionaries(st.sampled_from([*fields, "version", "description", "task_id", "x"]), VALUES, min_size=1))
    def try_it(changed: dict[str, Any]) -> None:
        body = {field: value for field, value in filled(row["json"], ids).items() if field not in changed} | changed
        answer = send(world, name, ids, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        assert_answered(answer)
        if answer.status_code == 422:
            assert answer.json["error"]["details"]

    try_it()


@pytest.mark.parametrize("name", TOLD_BY_PAGES)
def test_whatever_a_page_tells_of_itself_gets_an_answer(app, world: World, name):
    row, client = ACCESS[name], world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    path = world.path(world.route(name), world.ids(), world.acme.slug)

    @often
    @given(st.dictionaries(st.sampled_from([*sorted(row["json"]), "x"]), VALUES, min_size=1))
    def try_it(changed: dict[str, Any]) -> None:
        body = json.dumps(row["json"] | changed, ensure_ascii=False).encode("utf-8", "surrogatepass")
        answer = client.post(path, data=body, headers=ORIGIN | {"Content-Type": "application/json"})
        assert answer.status_code in (204, 400, 422), answer.text[:500]

    try_it()


@often
@given(body=st.one_of(st.binary(max_size=200), VALUES.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_get_an_answer(app, world: World, body: bytes):
    answer = send(world, "POST /api/v1/tasks", world.things, body)
    assert_answered(answer)
    assert answer.status_code in (400, 413, 422)


@pytest.mark.parametrize("name", FORM_ROUTES)
def test_any_form_gets_an_answer(app, world: World, name):
    row = ACCESS[name]
    ids = world.ids(row.get("needs"))
    client = world.app.test_client()
    # What is one's own everywhere is changed for somebody who is nobody else's alice.
    own = newcomer(world.acme, "owner").cookie if name.startswith("POST /account") else None
    client.set_cookie("sid", own or world.new_session("alice"), domain="localhost")
    path = world.path(world.route(name), ids, world.acme.slug)

    @often
    @given(
        st.dictionaries(
            st.sampled_from([*sorted(row["form"]), "version", "description", "format", "x"]), TEXTS, min_size=1
        )
    )
    def try_it(changed: dict[str, str]) -> None:
        body = filled(row["form"], ids) | changed
        answer = client.post(path, data=body, headers=ORIGIN)
        assert answer.status_code < 500, answer.text[:500]
        # 201: a page that shows a secret once; 429: guesses at a code are counted
        assert answer.status_code in (200, 201, 303, 400, 404, 409, 422, 429)

    try_it()


@often
@given(path=st.sampled_from(LISTS), query=st.lists(st.tuples(st.sampled_from(PARAMETERS) | TEXTS, TEXTS), max_size=4))
def test_any_query_gets_an_answer(app, world: World, path: str, query: list[tuple[str, str]]):
    client = world.app.test_client()
    if path.startswith("/api"):
        answer = client.get(f"{path}?{urlencode(query)}", headers=key_of(world))
        assert_answered(answer)
    else:
        client.set_cookie("sid", world.new_session("alice"), domain="localhost")
        answer = client.get(f"{path.format(slug=world.acme.slug)}?{urlencode(query)}")
    assert answer.status_code in (200, 400)


@often
@given(raw=st.binary(max_size=60), door=st.sampled_from(["/api/v1/tasks?", "/sign-in?next=", "/o/", "/static/", "/"]))
def test_any_address_gets_an_answer(app, world: World, raw: bytes, door: str):
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    answer = world.app.test_client().get(door + quoted, headers=key_of(world) if door.startswith("/api") else {})
    assert answer.status_code < 500, answer.text[:500]


@often
@given(
    name=st.sampled_from(
        [
            "Authorization",
            "If-Match",
            "If-None-Match",
            "Idempotency-Key",
            "Accept",
            "Cookie",
            "Range",
            "Content-Type",
            "User-Agent",
        ]
    ),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
)
def test_any_header_gets_an_answer(app, world: World, name: str, value: str):
    body = json.dumps({"name": f"Header {value}"[:100].strip() or "x"}).encode()
    path = f"/api/v1/programs/{world.things['program_id']}"
    headers = key_of(world) | {"Content-Type": "application/json"} | {name: value}
    answer = world.app.test_client(use_cookies=False).patch(path, data=body, headers=headers)
    assert_answered(answer)


def filled(template: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """A body of the table with its ids in place."""
    return {
        name: value.format(token="FUZZ", **ids) if isinstance(value, str) else value for name, value in template.items()
    }


def send(world: World, name: str, ids: dict[str, str], body: bytes):
    """A body of alice's to one operation of the API."""
    route = world.route(name)
    headers = key_of(world) | {"Content-Type": "application/json"}
    path = world.path(route, ids, world.acme.slug)
    return world.app.test_client().open(path, method=route.method, data=body, headers=headers)


def key_of(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.people['alice'].api_key}"}


def assert_answered(answer) -> None:
    """An answer in the form of the API, and no defect."""
    assert answer.status_code < 500, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(answer.json) <= {"data", "meta", "links"} or set(answer.json) == {"error"}
