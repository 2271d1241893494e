"""Two hundred at once: each gets an answer that says what to do, and afterwards all is as before."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.security.newcomers import newcomer
from tests.security.server import Answer, Server, read_answer, request, running

pytestmark = pytest.mark.xdist_group("server")

AT_ONCE = 200
LIMIT = 60


@pytest.fixture
def dora(app, acme):
    return newcomer(acme)


@pytest.fixture(scope="module")
def narrow(play_stage, tmp_path_factory):
    """A server that has two connections to the database, and lets a person ask sixty times a minute."""
    told = {"DATABASE_POOL": "1", "RATE_PERSON": str(LIMIT), "RATE_ADDRESS": str(LIMIT)}
    with running(play_stage, tmp_path_factory.mktemp("narrow"), **told) as server:
        yield server


def burst(server: Server, path: str, headers: dict[str, str]) -> list[Answer]:
    """So many requests, each on a connection of its own, all sent at the same moment."""
    together = Barrier(AT_ONCE)

    def ask(_number: int) -> Answer:
        with server.connect() as connection:
            together.wait()
            connection.sendall(request("GET", path, {"Host": server.host, **headers}))
            return read_answer(connection)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, range(AT_ONCE)))


def test_a_burst_is_answered_and_leaves_nothing_behind(server, dora):
    key = {"Authorization": f"Bearer {dora.key_with('*')}"}
    answers = burst(server, "/api/v1/tasks", key)
    assert_each_says_what_to_do(answers)
    assert Counter(answer.status for answer in answers)[200] > 0
    assert server.get("/api/v1/tasks", **key).status == 200
    assert server.get("/readyz").status == 200
    assert "request.failed" not in server.log


def test_a_burst_of_one_person_is_cut_at_their_limit_and_stops_nobody_else(narrow, app, acme, dora):
    other = newcomer(acme)
    answers = burst(narrow, "/api/v1/tasks", {"Authorization": f"Bearer {dora.key_with('*')}"})
    assert_each_says_what_to_do(answers)
    told = Counter(answer.status for answer in answers)
    assert told[200] <= LIMIT
    assert told[200] + told[503] + told[429] == AT_ONCE
    assert told[429] > 0
    page = narrow.get(f"/o/{acme.slug}/tasks", Cookie=f"sid={other.cookie}")
    assert page.status == 200
    assert "request.failed" not in narrow.log


def test_a_burst_of_strangers_is_cut_at_the_limit_of_their_address(narrow, app, dora, acme):
    answers = burst(narrow, "/sign-in", {})
    assert_each_says_what_to_do(answers)
    told = Counter(answer.status for answer in answers)
    assert told[200] <= LIMIT
    assert told[429] >= AT_ONCE - LIMIT - told[503]
    known = narrow.get("/api/v1/tasks", Authorization=f"Bearer {newcomer(acme).key_with('*')}")
    assert known.status == 200


def assert_each_says_what_to_do(answers: list[Answer]) -> None:
    """200, or a refusal that says when to come back."""
    assert len(answers) == AT_ONCE
    for answer in answers:
        assert answer.status in (200, 429, 503), answer.text[:300]
        if answer.status != 200:
            assert int(answer.headers["Retry-After"]) >= 1
            if answer.headers.get_content_type() == "application/json":
                code = json.loads(answer.body)["error"]["code"]
                assert code == {429: "RATE_LIMITED", 503: "UNAVAILABLE"}[answer.status]
