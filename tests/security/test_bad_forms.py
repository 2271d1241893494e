"""The table of bad inputs, through forms: a page says what is wrong, and nothing came of it."""

from __future__ import annotations

from html import escape
from urllib.parse import quote_plus

import pytest

from tests.doors import ORIGIN
from tests.security.world import ELSEWHERE, World

FORM = "application/x-www-form-urlencoded"

# What is posted to /o/acme/tasks beside the program: the status, and what the page must say.
FIELDS = {
    "U+0000 in a text": ("name=a%00b", 422, "Control characters"),
    "a line break in a name": ("name=a%0Ab", 422, "Control characters"),
    "a long name": ("name=" + "x" * 201, 422, "at most 200"),
    "an empty name": ("name=++", 422, "This is required."),
    "no name": ("", 422, "This is required."),
    "a control character in a text": ("name=x&description=a%08b", 422, "Control characters"),
    "a text without end": ("name=x&description=" + "x" * 20_001, 422, "at most 20,000"),
    "a number that is none": ("name=x&estimate_minutes=soon", 422, "whole number"),
    "a negative number": ("name=x&estimate_minutes=-1", 422, "whole number"),
    "a number too large": ("name=x&estimate_minutes=2147483648", 422, "or less"),
    "five thousand digits": ("name=x&estimate_minutes=" + "9" * 5000, 422, "whole number"),
    "digits of another script": ("name=x&estimate_minutes=%D9%A3", 422, "whole number"),
    "a field nobody knows": ("name=x&is_admin=true", 422, "not known here"),
    "a field twice": ("name=x&name=y", 400, "MALFORMED_REQUEST"),
    "bytes that are no UTF-8": ("name=%FF%FE", 400, "MALFORMED_REQUEST"),
    "raw bytes that are no UTF-8": (b"name=\xff", 400, "MALFORMED_REQUEST"),
    "more fields than any form": ("&".join(f"f{n}=1" for n in range(50_000)), 413, "PAYLOAD_TOO_LARGE"),
    "more than any form": ("name=" + "x" * 2_000_000, 413, "PAYLOAD_TOO_LARGE"),
}
KINDS = ["application/json", "text/plain", "application/octet-stream"]


@pytest.mark.parametrize("case", FIELDS)
def test_a_bad_form_is_refused_and_leaves_nothing(app, world: World, case):
    fields, status, told = FIELDS[case]
    raw = fields if isinstance(fields, bytes) else fields.encode()
    before = world.trace()
    answer = post(world, "/tasks", f"program_id={world.things['program_id']}&".encode() + raw)
    assert answer.status_code == status, answer.text[:300]
    assert answer.mimetype == "text/html"
    assert told in answer.text
    assert_tells_no_inside(answer)
    assert world.trace() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_is_no_form_is_refused(app, world: World, kind):
    before = world.trace()
    answer = post(world, "/tasks", b'{"name":"x"}', kind)
    assert answer.status_code == 415
    assert world.trace() == before


def test_a_replacement_character_that_somebody_typed_is_a_character(app, world: World):
    name = "what is \ufffd?"
    body = f"program_id={world.things['program_id']}&name={quote_plus(name)}"
    answer = post(world, "/tasks", body.encode())
    assert answer.status_code == 303
    assert escape(name) in get(world, answer.headers["Location"]).text


def test_markup_in_every_field_comes_back_as_text(app, world: World):
    """A form that was refused shows what was typed: as text, never as markup."""
    bad = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    for path in ("/tasks", "/programs", f"/tasks/{world.things['task_id']}/comments"):
        names = ("name", "description", "key", "program_id", "estimate_minutes", "body", bad)
        answer = post(world, path, "&".join(f"{quote_plus(name)}={quote_plus(bad)}" for name in names).encode())
        assert answer.status_code == 422
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize("slug", ["%00", "a%00b", "%ff", "%E2%80%AE", "ACME", "acme%20", "x" * 5000, "..", "a%2Fb"])
def test_a_name_of_no_organisation_is_404(app, world: World, slug):
    client = signed_in(world)
    answer = client.get(f"/o/{slug}/tasks")
    assert answer.status_code == 404
    assert_tells_no_inside(answer)


@pytest.mark.parametrize(
    "path", ["/tasks/not-a-uuid", "/tasks/%00", "/tasks/00000000-0000-0000-0000-000000000000", "/x"]
)
def test_what_is_not_there_is_404_as_a_page(app, world: World, path):
    answer = get(world, f"/o/{world.acme.slug}{path}")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert_tells_no_inside(answer)


@pytest.mark.parametrize("email", ["a%00b@acme.example", "%00", "x" * 255, "%0A", "+", ""])
@pytest.mark.parametrize("password", ["x", "%00", "x" * 5000, ""])
def test_a_strange_sign_in_is_refused(app, world: World, email, password):
    client = world.app.test_client()
    answer = client.post(
        "/sign-in",
        data=f"email={email}&password={password}",
        content_type=FORM,
        headers=ORIGIN,
        environ_overrides={"REMOTE_ADDR": ELSEWHERE},
    )
    assert answer.status_code in (422, 429)
    assert "Set-Cookie" not in answer.headers
    assert_tells_no_inside(answer)


@pytest.mark.parametrize(
    "cookie", ["remember_token=a|b", "session=.eJx", "sid=%00", 'sid="\\000"', "sid=" + "x" * 3000, "="]
)
@pytest.mark.parametrize("path", ["/sign-in", "/", "/nothing"])
def test_a_strange_cookie_is_no_cookie(app, world: World, cookie, path):
    answer = world.app.test_client(use_cookies=False).get(path, headers={"Cookie": cookie})
    assert answer.status_code == {"/sign-in": 200, "/": 302, "/nothing": 404}[path]


def signed_in(world: World):
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    return client


def get(world: World, path: str):
    return signed_in(world).get(path)


def post(world: World, path: str, body: bytes, kind: str = FORM):
    return signed_in(world).post(f"/o/{world.acme.slug}{path}", data=body, content_type=kind, headers=ORIGIN)


def assert_tells_no_inside(answer) -> None:
    for inside in ("Traceback", "sqlalchemy", "psycopg", "SELECT ", 'File "'):
        assert inside not in answer.text
