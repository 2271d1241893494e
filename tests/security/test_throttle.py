"""Guessing passwords: slowed down for whoever guesses, and for nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import psycopg
import pytest

from app.core import clock
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
