"""Requests that do not come from our own pages: refused everywhere, before anything is done."""

from __future__ import annotations

import pytest

from app.core.audit import READINGS
from tests.security.world import ACCESS, World

SENT_BY_NO_PAGE = {"POST /csp-report"}  # a browser's own report, which changes nothing
UNSAFE_PAGES = [
    name for name in ACCESS if name.startswith("POST ") and "/api/" not in name and name not in SENT_BY_NO_PAGE
]

FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a sister site": {"Sec-Fetch-Site": "same-site"},
    "an address bar": {"Sec-Fetch-Site": "none"},
    "a foreign origin": {"Origin": "https://evil.example"},
    "our name elsewhere": {"Origin": "http://localhost.evil.example"},
    "our name with another port": {"Origin": "http://localhost:81"},
    "our name with TLS": {"Origin": "https://localhost"},
    "a sandbox": {"Origin": "null"},
    "an empty origin": {"Origin": ""},
    "nothing at all": {},
    "same-origin said, a foreign origin sent": {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    "our origin sent, cross-site said": {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    "only a referrer of ours": {"Referer": "http://localhost/"},
    "in capitals": {"Sec-Fetch-Site": "SAME-ORIGIN"},
}
OURS = {
    "both headers": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    "a browser that tells the site": {"Sec-Fetch-Site": "same-origin"},
    "a browser that tells the origin": {"Origin": "http://localhost"},
}


@pytest.mark.parametrize("name", UNSAFE_PAGES)
@pytest.mark.parametrize("source", [FOREIGN["another site"], FOREIGN["nothing at all"], FOREIGN["a sandbox"]], ids=str)
def test_no_route_takes_a_request_from_elsewhere(app, world: World, name, source):
    before = world.trace()
    answer = send(world, name, source)
    assert answer.status_code == 403
    assert "CSRF_FAILED" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert world.trace() == before


@pytest.mark.parametrize("source", FOREIGN)
def test_a_request_from_elsewhere_is_refused(app, world: World, source):
    before = world.trace()
    answer = send(world, "POST /o/<slug>/tasks/<uuid:task_id>/comments", FOREIGN[source])
    assert answer.status_code == 403
    assert "CSRF_FAILED" in answer.text
    assert world.trace() == before


@pytest.mark.parametrize("source", OURS)
def test_a_request_of_our_own_page_is_taken(app, world: World, source):
    assert send(world, "POST /o/<slug>/tasks/<uuid:task_id>/comments", OURS[source]).status_code == 303


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "FOO"])
def test_every_unsafe_method_is_checked(app, world: World, method):
    path = f"/o/{world.acme.slug}/tasks"
    client = world.app.test_client()
    assert client.open(path, method=method).status_code == 403
    assert client.open(path, method=method, headers=OURS["both headers"]).status_code == 405


def test_a_page_is_never_changed_by_a_get(app, world: World):
    """A link from elsewhere is followed with the cookie (SameSite=Lax): no GET may do anything but be read."""
    readings = tuple(READINGS)
    for name in ACCESS:
        if name.startswith("GET /o/"):
            before = world.trace(but=readings)
            world.send(world.route(name), "alice", world.ids())
            assert world.trace(but=readings) == before, name


def test_the_api_needs_no_origin_and_honours_no_cookie(app, world: World):
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    assert client.get("/api/v1/tasks").status_code == 401
    answer = client.post("/api/v1/programs", json={"key": "COOKIE", "name": "x"}, headers=OURS["both headers"])
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHENTICATED")


def test_cookie_and_key_together_are_refused(app, world: World):
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    answer = client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {world.people['alice'].api_key}"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "AMBIGUOUS_CREDENTIALS")


def send(world: World, name: str, source: dict[str, str]):
    """A form of alice's, with these headers about where it comes from and no others."""
    route = world.route(name)
    client = world.app.test_client()
    client.set_cookie("sid", world.new_session("alice"), domain="localhost")
    form = ACCESS[name].get("form", {})
    return client.post(world.path(route, world.ids(), world.acme.slug), data=form, headers=source)
