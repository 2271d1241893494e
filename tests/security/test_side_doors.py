"""Ways past the front door: other methods, other spellings of an address, redirects, a database that is away."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from app import create_app
from tests.doors import ORIGIN
from tests.security.world import ACCESS, World

SENDS_BACK = "GET /sign-in/second-step"  # anybody may ask for it, and is sent to the first step
CLOSED_PAGES = [
    name for name in ACCESS if name.startswith("GET ") and ACCESS[name]["nobody"] in (303, 401) and name != SENDS_BACK
]
ADDRESSES = [
    "//evil.example",
    "//evil.example/%2f..",
    "///evil.example",
    "/\\evil.example",
    "/%5cevil.example/",
    "/%09/evil.example",
    "/o//evil.example/",
    "/o/acme",
    "/sign-in//evil.example",
    "/%2f%2fevil.example",
    "/sign-in/?next=https://evil.example",
    "/.%0d%0aLocation:%20https://evil.example",
]
NOWHERE = "postgresql://oversing_app:nobody@127.0.0.1:1/nothing"  # where nothing listens


@pytest.mark.parametrize("name", CLOSED_PAGES)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_no_other_method_gets_in_without_signing_in(app, world: World, name, method):
    path = world.path(world.route(name), world.things, world.acme.slug)
    answer = world.app.test_client().open(path, method=method)
    assert answer.status_code in (303, 401)
    assert answer.data == b"" or "sign-in" in answer.text or "UNAUTHENTICATED" in answer.text


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_does_not_change_the_method(app, world: World, header):
    key = {"Authorization": f"Bearer {world.people['alice'].api_key}"}
    path = f"/api/v1/programs/{world.things['program_id']}"
    assert world.app.test_client().get(path, headers=key | {header: "DELETE"}).status_code == 200
    assert world.app.test_client().post(path, headers=key | {header: "DELETE"}).status_code == 405
    assert world.app.test_client().get(path, headers=key).status_code == 200


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Host"])
def test_a_header_does_not_change_the_address(app, world: World, header):
    told = {header: f"/o/{world.acme.slug}/tasks"}
    answer = world.app.test_client().get("/sign-in", headers=told)
    assert answer.status_code == 200
    assert world.acme.slug not in answer.text
    away = world.app.test_client().get("/", headers={header: "evil.example"})
    assert "evil" not in away.headers["Location"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_spelling_of_an_address_leads_away(app, world: World, address):
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    for answer in (client.get(address), client.post(address, headers=ORIGIN)):
        assert answer.status_code < 500
        target = urlsplit(answer.headers.get("Location", "/"))
        assert target.netloc in ("", "localhost")
        assert not target.path.startswith(("//", "/\\"))


@pytest.mark.parametrize("path", ["/O/{slug}/tasks", "/o/{slug}/TASKS", "/o/{slug}/tasks/", "/o/{upper}/tasks"])
def test_another_spelling_is_another_address(app, world: World, path):
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    answer = client.get(path.format(slug=world.acme.slug, upper=world.acme.slug.upper()))
    assert answer.status_code == 404


@pytest.fixture(scope="module")
def cut_off(play_stage):
    """The web process, whose database is away."""
    return create_app("web", **play_stage.settings | {"database_url": NOWHERE})


def test_without_a_database_everything_says_so_soon(cut_off):
    client = cut_off.test_client()
    client.set_cookie("sid", "somebody", domain="localhost")
    began = time.monotonic()
    page = client.get("/o/acme/tasks")
    data = cut_off.test_client().get("/api/v1/tasks", headers={"Authorization": "Bearer ovk_live_x"})
    form = client.post("/o/acme/tasks", data={"name": "x"}, headers=ORIGIN)
    assert time.monotonic() - began < 3 * 6  # six seconds for each, on a busy machine
    assert page.status_code == form.status_code == data.status_code == 503
    assert int(page.headers["Retry-After"]) == int(data.headers["Retry-After"]) == 2
    assert data.json["error"]["code"] == "UNAVAILABLE"
    assert "Nothing was changed" in page.text
    for answer in (page, data, form):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Traceback" not in answer.text
        assert "psycopg" not in answer.text


def test_without_a_database_the_process_is_alive_and_not_ready(cut_off):
    client = cut_off.test_client()
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json["status"] == "unavailable"
    assert "127.0.0.1" not in ready.text
    assert client.get("/sign-in").status_code == 200
