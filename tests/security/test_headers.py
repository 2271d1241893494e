"""What every answer says to the browser: headers, cookies, caching. Those of routes are looked at in test_access.py."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from app import create_app
from app.web import assets
from tests.cast import PASSWORD
from tests.security.guards import assert_guarded
from tests.security.newcomers import newcomer
from tests.security.world import World

TRANSPORT = "max-age=31536000; includeSubDomains"
ERRORS = {
    "a page that is not there": ("GET", "/nothing", {}),
    "a method that is not there": ("DELETE", "/sign-in", {"Origin": "http://localhost"}),
    "a request from elsewhere": ("POST", "/sign-in", {"Origin": "https://evil.example"}),
    "another host": ("GET", "/sign-in", {"Host": "evil.example"}),
    "nobody at the API": ("GET", "/api/v1/tasks", {}),
    "a file that is not there": ("GET", "/static/nothing.css", {}),
    "a preflight": ("OPTIONS", "/api/v1/tasks", {"Origin": "https://evil.example"}),
}
CERTIFIED = [
    "GET /api/v1/certifications/<uuid:certification_id>",
    "GET /api/v1/certifications/<uuid:certification_id>/bundle",
    "POST /api/v1/certifications",
    "GET /o/<slug>/certifications/<uuid:certification_id>",
    "GET /o/<slug>/certifications/<uuid:certification_id>/bundle",
    "POST /o/<slug>/certifications/<uuid:certification_id>/verification",
    "GET /o/<slug>/tasks/<uuid:task_id>/certifications/new",
]


@pytest.fixture(scope="module")
def secure_app(play_stage):
    """The same, reached over TLS under a name of its own."""
    return create_app("web", **play_stage.settings | {"base_url": "https://oversing.example", "styleguide": False})


@pytest.mark.parametrize("case", ERRORS)
def test_every_refusal_is_guarded_too(app, world: World, case):
    method, path, headers = ERRORS[case]
    answer = world.app.test_client().open(path, method=method, headers=headers)
    assert answer.status_code >= 400
    assert_guarded(answer)
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_elsewhere_may_read_an_answer(app, world: World):
    """No CORS header at all: programs in other people's pages get nothing, also not with a key."""
    key = {"Authorization": f"Bearer {world.people['alice'].api_key}", "Origin": "https://evil.example"}
    answer = world.app.test_client().get("/api/v1/tasks", headers=key)
    assert answer.status_code == 403
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control-")]


def test_a_static_file_says_what_it_is(app, world: World):
    answer = world.app.test_client().get(assets.asset("app.css"))
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/nothing", "/api/v1/tasks"])
def test_over_tls_the_browser_is_told_to_stay_there(secure_app, path):
    answer = secure_app.test_client().get(path, base_url="https://oversing.example")
    assert answer.headers["Strict-Transport-Security"] == TRANSPORT


def test_over_tls_a_static_file_says_so_too(secure_app):
    answer = secure_app.test_client().get(assets.asset("app.css"), base_url="https://oversing.example")
    assert answer.headers["Strict-Transport-Security"] == TRANSPORT


def test_over_tls_the_cookie_is_bound_to_host_and_tls(app, secure_app, acme):
    name, cookie = session_cookie(secure_app, newcomer(acme), "https://oversing.example")
    assert name == "__Host-sid"
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_without_tls_the_cookie_is_one_that_browsers_take(app, web_app, acme):
    name, cookie = session_cookie(web_app, newcomer(acme), "http://localhost")
    assert name == "sid"
    assert not cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_signing_out_takes_the_cookie_back(app, world: World):
    answer = world.send(world.route("POST /sign-out"), "alice", world.things)
    taken = SimpleCookie(answer.headers["Set-Cookie"])["sid"]
    assert taken.value == ""
    assert taken["max-age"] == "0"


@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_content_is_kept_nowhere_on_the_way(app, world: World, name):
    answer = world.send(world.route(name), "alice", world.things)
    assert answer.status_code in (200, 201)
    assert answer.headers["Cache-Control"] == "no-store"


def test_content_that_was_refused_is_kept_nowhere_either(app, world: World):
    route = world.route("POST /o/<slug>/tasks/<uuid:task_id>/certifications")
    things = world.things | {"policy_id": "not a policy"}
    answer = world.send(route, "alice", things)
    assert answer.status_code == 422
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_may_be_kept_by_its_reader_alone(app, world: World):
    for name in ("GET /o/<slug>/tasks", "GET /o/<slug>/tasks/<uuid:task_id>", "GET /api/v1/tasks"):
        answer = world.send(world.route(name), "alice", world.things)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert {"Cookie", "Authorization"} & {each.strip() for each in answer.headers["Vary"].split(",")}


def test_every_answer_has_a_number_of_its_own_and_takes_none_from_outside(app, world: World):
    client = world.app.test_client()
    numbers = {client.get("/sign-in", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] for _ in range(3)}
    assert len(numbers) == 3
    assert "mine" not in numbers


def session_cookie(app, player, base_url: str):
    """The cookie that signing in sets: its name and its attributes."""
    answer = app.test_client().post(
        "/sign-in",
        data={"email": player.actor.email, "password": PASSWORD},
        base_url=base_url,
        headers={"Origin": base_url},
        environ_overrides={"REMOTE_ADDR": f"198.18.{player.user_id // 256 % 256}.{player.user_id % 256}"},
    )
    assert answer.status_code == 303
    given = [each for told in answer.headers.getlist("Set-Cookie") for each in SimpleCookie(told).items()]
    [(name, cookie)] = [each for each in given if not each[0].endswith("device")]
    [(_name, device)] = [each for each in given if each[0].endswith("device")]
    guards = ("secure", "httponly", "samesite", "path", "domain")
    assert [device[each] for each in guards] == [cookie[each] for each in guards]
    return name, cookie
