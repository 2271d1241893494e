"""Counting requests: a window that moves, one place for all processes, and a share for each where that is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock, rate_limiting, valkey
from app.core.ids import new_token
from app.core.rate_limiting import Memory, Subject, count

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)  # where a minute begins


@pytest.fixture(params=["Valkey", "this process"])
def counter(request, app, monkeypatch):
    """Whatever counts."""
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    if request.param == "this process":
        monkeypatch.setattr(rate_limiting, "_counted", lambda *_given: None)


def somebody(limit: int = 5) -> Subject:
    return Subject("person", new_token(), limit)


def let_in(*subjects: Subject, times: int) -> int:
    """How many of so many requests are let in."""
    return sum(all(each.allowed for each in count(subjects, 1)) for _ in range(times))


@pytest.mark.usefixtures("counter")
def test_as_many_requests_are_let_in_as_the_limit_says():
    with clock.stopped(NOON):
        assert let_in(somebody(5), times=8) == 5


@pytest.mark.usefixtures("counter")
def test_what_is_left_and_when_there_is_more_is_told():
    dora = somebody(3)
    with clock.stopped(NOON + timedelta(seconds=20)):
        told = [count([dora], 1)[0] for _ in range(4)]
    assert [each.remaining for each in told] == [2, 1, 0, 0]
    assert [each.allowed for each in told] == [True, True, True, False]
    assert told[0].wait == 40


@pytest.mark.usefixtures("counter")
@pytest.mark.parametrize(("used_at", "refused_at"), [(0, 0), (0, 30), (59, 59), (59, 60), (30, 75)])
def test_whoever_waits_as_long_as_told_is_let_in_and_nobody_sooner(used_at, refused_at):
    dora = somebody(10)
    with clock.stopped(NOON + timedelta(seconds=used_at)):
        assert let_in(dora, times=10) == 10
    at = NOON + timedelta(seconds=refused_at)
    with clock.stopped(at):
        let_in(dora, times=10)  # as many as the window has room for
        (refused,) = count([dora], 1)
    assert not refused.allowed
    with clock.stopped(at + timedelta(seconds=max(0, refused.wait - 8))):
        assert not count([dora], 1)[0].allowed
    with clock.stopped(at + timedelta(seconds=refused.wait)):
        assert count([dora], 1)[0].allowed


@pytest.mark.usefixtures("counter")
def test_the_turn_of_a_minute_does_not_double_the_limit():
    dora = somebody(10)
    with clock.stopped(NOON + timedelta(seconds=59)):
        assert let_in(dora, times=20) == 10
    with clock.stopped(NOON + timedelta(seconds=60)):
        assert let_in(dora, times=20) == 0
    with clock.stopped(NOON + timedelta(seconds=90)):
        assert let_in(dora, times=20) == 5


@pytest.mark.usefixtures("counter")
def test_a_request_that_one_limit_refuses_is_counted_on_no_other():
    dora, key = somebody(10), somebody(2)
    with clock.stopped(NOON):
        assert let_in(dora, key, times=9) == 2
        assert let_in(dora, times=20) == 8


@pytest.mark.usefixtures("counter")
def test_nobody_uses_up_what_somebody_else_has():
    with clock.stopped(NOON):
        assert let_in(somebody(5), times=9) == 5
        assert let_in(somebody(5), times=9) == 5


def test_many_at_once_get_no_more_than_one_after_another(app):
    dora = somebody(20)
    with clock.stopped(NOON), ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: count([dora], 1)[0].allowed, range(100)))
    assert sum(allowed) == 20


def test_where_the_server_is_away_each_process_lets_in_its_share(app, monkeypatch):
    monkeypatch.setattr(valkey, "_url", ["redis://127.0.0.1:1/0"])
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    dora = somebody(10)
    with clock.stopped(NOON):
        told = [count([dora], 4)[0] for _ in range(10)]
    assert sum(each.allowed for each in told) == 2
    assert told[0].limit == 2


def test_when_the_server_goes_nobody_starts_anew(app, monkeypatch):
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    dora = somebody(10)
    with clock.stopped(NOON):
        assert let_in(dora, times=8) == 8
        monkeypatch.setattr(valkey, "_url", ["redis://127.0.0.1:1/0"])
        assert let_in(dora, times=8) == 2


def test_a_server_that_does_not_answer_is_not_asked_by_every_request(app, monkeypatch):
    asked = []
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    monkeypatch.setattr(valkey, "client", lambda: asked.append(1) or _Away())
    for _ in range(20):
        count([somebody()], 1)
    assert len(asked) == 1


def test_the_server_counts_again_once_it_is_back(app, monkeypatch):
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    dora = somebody(3)
    with clock.stopped(NOON):
        with monkeypatch.context() as away:
            away.setattr(valkey, "client", _Away)
            assert let_in(dora, times=5) == 3
        rate_limiting._away_until[0] = 0.0  # the pause is over
        assert let_in(dora, times=5) == 3


def test_a_process_that_counts_for_itself_forgets_the_oldest_first(monkeypatch):
    monkeypatch.setattr(rate_limiting, "REMEMBERED", 100)
    memory, dora = Memory(), somebody(1000)
    for _ in range(300):
        memory.add([somebody()], 1)
        memory.add([dora], 1)
    assert len(memory._counters) == 100
    assert memory.counted([dora], 2) == [(0, 300)]


def test_what_is_counted_is_gone_when_it_counts_no_more(app):
    dora = somebody()
    count([dora], 1)
    kept = list(valkey.client().scan_iter(f"{dora.key}:*"))
    assert len(kept) == 1
    assert 0 < valkey.client().ttl(kept[0]) <= 2 * rate_limiting.WINDOW


class _Away:
    """A client of a server that is not there."""

    def register_script(self, _text):
        def run(*_given):
            raise ConnectionError

        return run
