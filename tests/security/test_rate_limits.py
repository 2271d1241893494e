"""How often one may ask: by person, key and address; whoever is known is never stopped by their neighbours."""

from __future__ import annotations

import re
from itertools import count

import pytest

from app import create_app
from app.core import rate_limiting, valkey
from app.web import assets
from tests.doors import ORIGIN, Browser
from tests.security.newcomers import newcomer

LIMITS = {"rate_person": 12, "rate_key": 5, "rate_address": 8}
_addresses = count(1)


@pytest.fixture(scope="module")
def strict_app(play_stage):
    """The application with limits that a test reaches."""
    app = create_app("web", **play_stage.settings | LIMITS)
    app.test_client_class = Browser
    return app


@pytest.fixture
def dora(app, acme):
    """Somebody who has not asked for anything yet."""
    return newcomer(acme)


@pytest.fixture
def ask(strict_app):
    """Ask from an address of this test's own."""
    own = f"198.18.{next(_addresses)}.1"

    def send(path: str, *, key: str = "", cookie: str = "", address: str = own, method: str = "GET", **more):
        client = strict_app.test_client()
        if cookie:
            client.set_cookie("sid", cookie, domain="localhost")
        headers = ({"Authorization": f"Bearer {key}"} if key else {}) | more.pop("headers", {})
        return client.open(path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": address}, **more)

    return send


def statuses(ask, times: int, *given, **more) -> list[int]:
    return [ask(*given, **more).status_code for _ in range(times)]


def test_a_key_that_asks_too_often_has_to_wait(ask, dora):
    key = dora.key_with("*")
    assert statuses(ask, 5, "/api/v1/tasks", key=key) == [200] * 5
    answer = ask("/api/v1/tasks", key=key)
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 121
    assert answer.headers["RateLimit"].startswith('"person";r=7;t=')


def test_many_keys_are_still_one_person(ask, dora):
    answers = [ask("/api/v1/tasks", key=dora.key_with("*")).status_code for _ in range(13)]
    assert answers == [200] * 12 + [429]
    page = ask(f"/o/{dora.organisation.slug}/tasks", cookie=dora.cookie)
    assert page.status_code == 429
    assert f"You are asking too often. Try again in {page.headers['Retry-After']} seconds." in page.text


def test_every_answer_says_what_is_left(ask, dora):
    answer = ask("/api/v1/tasks", key=dora.key_with("*"))
    assert answer.headers["RateLimit-Policy"] == '"person";q=12;w=60, "key";q=5;w=60'
    left, seconds = answer.headers["RateLimit"].split(", ")[1].split(";")[1:]
    assert left == "r=4"
    assert 1 <= int(seconds.removeprefix("t=")) <= 60
    assert ask("/sign-in").headers["RateLimit-Policy"] == '"address";q=8;w=60'


def test_whoever_says_nothing_of_themselves_is_counted_by_address(ask):
    assert statuses(ask, 9, "/sign-in") == [200] * 8 + [429]
    assert statuses(ask, 1, "/sign-in", address="203.0.113.77") == [200]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/tasks", {"Authorization": "Bearer ovk_live_guessed"}, 401),
        ("/api/v1/nothing", {}, 404),
        ("/nothing", {}, 404),
        ("/o/acme/tasks", {}, 303),
        ("/sign-in", {"Host": "evil.example"}, 400),
    ],
)
def test_guessing_and_looking_about_has_its_limit_too(ask, path, headers, status):
    assert statuses(ask, 10, path, headers=headers) == [status] * 8 + [429] * 2


def test_a_form_from_elsewhere_has_its_limit_too(ask):
    assert statuses(ask, 10, "/sign-in", method="POST") == [403] * 8 + [429] * 2


def test_one_customer_of_ipv6_is_one_however_many_addresses_they_have(ask):
    answers = [ask("/sign-in", address=f"2001:db8:1:{next(_addresses):x}::{n:x}").status_code for n in range(9)]
    assert answers == [200] * 9
    answers = [ask("/sign-in", address=f"2001:db8:2:2::{n:x}").status_code for n in range(9)]
    assert answers == [200] * 8 + [429]


def test_neighbours_who_flood_take_nothing_from_somebody_known(ask, dora):
    assert 429 in statuses(ask, 12, "/api/v1/tasks", key="ovk_live_guessed")
    assert ask(f"/o/{dora.organisation.slug}/tasks", cookie=dora.cookie).status_code == 200
    assert ask("/api/v1/tasks", key=dora.key_with("*")).status_code == 200


def test_the_limit_is_of_one_organisation(ask, app, dora, mallory):
    statuses(ask, 13, f"/o/{dora.organisation.slug}/tasks", cookie=dora.cookie)
    assert ask(f"/o/{mallory.organisation.slug}/tasks", cookie=mallory.cookie).status_code == 200


def test_probes_and_files_are_never_counted(ask):
    for path in ("/healthz", "/readyz", assets.asset("app.css")):
        answers = [ask(path) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        assert "RateLimit" not in answers[0].headers


def test_signing_out_is_counted_by_person(ask, dora):
    answer = ask("/sign-out", method="POST", cookie=dora.cookie, headers=ORIGIN)
    assert answer.status_code == 303
    assert '"person"' in answer.headers["RateLimit-Policy"]


def test_without_valkey_pages_are_there_and_limits_too(ask, dora, monkeypatch):
    monkeypatch.setattr(valkey, "_url", ["redis://127.0.0.1:1/0"])
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    assert statuses(ask, 8, f"/o/{dora.organisation.slug}/tasks", cookie=dora.cookie) == [200] * 6 + [429] * 2


def test_what_is_counted_names_nobody(ask, dora):
    ask("/api/v1/tasks", key=dora.key_with("*"))
    ask("/sign-in", address="203.0.113.199")
    names = [name.decode() for name in valkey.client().scan_iter("rate:*")]
    assert len(names) >= 3
    assert [
        name for name in names if not re.fullmatch(r"rate:(person|key|address|page_speed):[0-9a-f]{32}:[0-9]+", name)
    ] == []
