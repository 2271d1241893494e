"""Guessing passwords: slowed down for whoever guesses, and for nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import CapturingLogger

from app.commands import sessions
from app.core import clock, guessing, passwords, rate_limiting, valkey
from tests.cast import PASSWORD, Organisation, Player
from tests.doors import ORIGIN
from tests.security.newcomers import newcomer

WRONG = "x" * 1025  # longer than any password: refused without the work of hashing, counted all the same
_networks = count(1)


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose account is guessed at."""
    return newcomer(acme)


@pytest.fixture
def network(worker_id: str) -> str:
    """An address that nobody has guessed from yet."""
    number = next(_networks)
    return f"198.19.{number // 250}.{number % 250 + 1}"


@pytest.fixture
def guess(web_app, dora: Player, network: str):
    """Send one guess, by default a wrong one at dora's account."""

    def send(*, email: str = "", password: str = WRONG, address: str = network):
        return web_app.test_client().post(
            "/sign-in",
            data={"email": email or dora.actor.email, "password": password},
            headers=ORIGIN,
            environ_overrides={"REMOTE_ADDR": address},
        )

    return send


def test_the_eleventh_wrong_guess_in_a_minute_has_to_wait(guess):
    assert [guess().status_code for _ in range(10)] == [422] * 10
    answer = guess()
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert "Too many tries" in answer.text


def test_while_one_has_to_wait_the_right_password_does_not_help_either(guess):
    for _ in range(10):
        guess()
    answer = guess(password=PASSWORD)
    assert answer.status_code == 429
    assert "Set-Cookie" not in answer.headers


def test_after_the_wait_one_may_try_again(guess):
    answers = [guess() for _ in range(11)]
    later = clock.now() + timedelta(seconds=int(answers[-1].headers["Retry-After"]))
    with clock.stopped(later):
        assert guess(password=PASSWORD).status_code == 303


def test_guesses_by_others_do_not_lock_the_person_out(guess):
    for _ in range(11):
        guess()
    assert guess(password=PASSWORD, address="203.0.113.200").status_code == 303


def test_whoever_goes_on_guessing_waits_twice_as_long_each_time(guess):
    now, waits = clock.now(), []
    for _ in range(4):
        with clock.stopped(now):
            assert [guess().status_code for _ in range(10)] == [422] * 10
            waits.append(int(guess().headers["Retry-After"]))
        now += timedelta(seconds=waits[-1])
    assert waits == [61, 121, 241, 481]


def test_guessing_on_while_one_waits_makes_the_wait_no_longer(guess):
    now = clock.now()
    with clock.stopped(now):
        waits = [
            int(answer.headers["Retry-After"]) for answer in (guess() for _ in range(30)) if answer.status_code == 429
        ]
    assert waits == [61] * 20


def test_after_an_hour_without_guesses_one_waits_a_minute_again(guess):
    now = clock.now()
    for _ in range(3):
        with clock.stopped(now):
            wait = int([guess() for _ in range(11)][-1].headers["Retry-After"])
        now += timedelta(seconds=wait)
    with clock.stopped(now + timedelta(hours=1)):
        assert [guess() for _ in range(11)][-1].headers["Retry-After"] == "61"


def test_no_wait_is_longer_than_about_an_hour(guess):
    now = clock.now()
    for _ in range(9):
        with clock.stopped(now):
            wait = int([guess() for _ in range(11)][-1].headers["Retry-After"])
        now += timedelta(seconds=wait)
    assert wait == 3841


def test_guesses_from_everywhere_together_keep_nobody_out(guess, network, monkeypatch):
    """Twenty networks could else lock anybody out who sits at a browser that is not known. The log tells of them."""
    log = CapturingLogger()
    monkeypatch.setattr(sessions, "log", log)
    for number in range(sessions.TOLD_AT // 10):
        for _ in range(10):
            assert guess(address=f"2001:db8:f{network.rpartition('.')[2]}:{number:x}::1").status_code == 422
    assert guess(password=PASSWORD).status_code == 303
    assert [call.args for call in log.calls] == [("sign_in.one_account_is_guessed_at",)]


def test_the_wait_of_a_network_stays_a_minute_for_those_who_share_it(guess):
    now = clock.now()
    for _ in range(3):
        with clock.stopped(now):
            answers = [guess(email=f"somebody-{number}@acme.example") for number in range(61)]
            assert [answer.status_code for answer in answers] == [422] * 60 + [429]
            assert answers[-1].headers["Retry-After"] == "61"
        now += timedelta(seconds=61)


def test_a_known_browser_is_not_kept_out_by_guesses_from_its_own_network(web_app, guess, dora, network):
    browser = web_app.test_client()
    assert enter(browser, dora, network, PASSWORD).status_code == 303
    assert [guess().status_code for _ in range(11)] == [422] * 10 + [429]
    assert guess(password=PASSWORD).status_code == 429
    assert enter(browser, dora, network, PASSWORD).status_code == 303


def test_a_known_browser_has_to_wait_for_its_own_guesses(web_app, dora, network):
    browser = web_app.test_client()
    enter(browser, dora, network, PASSWORD)
    assert [enter(browser, dora, network).status_code for _ in range(11)] == [422] * 10 + [429]
    assert enter(browser, dora, "203.0.113.201", PASSWORD).status_code == 429


def test_a_browser_is_known_for_the_account_that_was_used_in_it_and_for_no_other(web_app, acme, dora, network):
    browser = web_app.test_client()
    enter(browser, newcomer(acme), network, PASSWORD)
    assert [enter(browser, dora, network).status_code for _ in range(11)] == [422] * 10 + [429]
    assert [enter(web_app.test_client(), dora, network).status_code for _ in range(2)] == [429] * 2


def test_without_valkey_guesses_are_counted_all_the_same(guess, monkeypatch):
    monkeypatch.setattr(valkey, "_url", ["redis://127.0.0.1:1/0"])
    monkeypatch.setattr(rate_limiting, "_away_until", [0.0])
    assert [guess().status_code for _ in range(11)] == [422] * 10 + [429]


def test_what_cannot_be_counted_is_not_looked_at(guess, monkeypatch):
    """Fail closed: a guess that nobody counts would be a guess for nothing."""
    looked_at = []

    def broken(*_given, **_more):
        raise OperationalError("INSERT", {}, OSError("gone"))

    monkeypatch.setattr(guessing, "count", broken)
    monkeypatch.setattr(passwords, "matches", lambda *given: looked_at.append(given))
    assert guess(password=PASSWORD).status_code == 503
    assert looked_at == []


def test_signing_in_forgets_the_wrong_guesses_before(guess):
    for _ in range(9):
        assert guess().status_code == 422
    assert guess(password=PASSWORD).status_code == 303
    assert [guess().status_code for _ in range(10)] == [422] * 10


def test_an_account_is_the_same_however_it_is_spelled(guess, dora):
    spellings = [dora.actor.email, dora.actor.email.upper(), f" {dora.actor.email} "]
    assert [guess(email=spellings[number % 3]).status_code for number in range(11)] == [422] * 10 + [429]


def test_a_burst_is_no_way_round_the_limit(guess):
    """Forty at once, from threads that know nothing of each other: ten are looked at."""
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.status_code for answer in pool.map(lambda _: guess(), range(40))]
    assert answers.count(422) == 10
    assert answers.count(429) == 30


def test_one_network_may_not_go_through_many_accounts(guess):
    answers = [guess(email=f"somebody-{number}@acme.example").status_code for number in range(61)]
    assert answers == [422] * 60 + [429]


def test_the_addresses_of_one_customer_are_one_network(guess):
    answers = [guess(address=f"2001:db8:77:1::{number:x}").status_code for number in range(1, 12)]
    assert answers == [422] * 10 + [429]
    assert guess(address="2001:db8:77:2::1").status_code == 422


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"])
def test_no_header_makes_somebody_else_of_a_client(web_app, dora, network, header):
    """Only the proxies that were configured are believed, and here there are none."""
    answers = [
        web_app.test_client().post(
            "/sign-in",
            data={"email": dora.actor.email, "password": WRONG},
            headers=ORIGIN | {header: f"192.0.2.{number}"},
            environ_overrides={"REMOTE_ADDR": network},
        )
        for number in range(11)
    ]
    assert answers[-1].status_code == 429


def test_the_counters_hold_no_address_of_anybody(app, guess, dora, play_stage):
    guess()
    with psycopg.connect(play_stage.url("superuser")) as connection:
        rows = connection.execute("SELECT sign_in_attempts::text FROM sign_in_attempts").fetchall()
    assert rows
    assert not any(dora.actor.email in row[0] for row in rows)


def enter(browser, player: Player, address: str, password: str = WRONG):
    """Sign in before a browser that keeps its cookies."""
    return browser.post(
        "/sign-in",
        data={"email": player.actor.email, "password": password},
        headers=ORIGIN,
        environ_overrides={"REMOTE_ADDR": address},
    )
