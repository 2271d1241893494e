"""Passwords: argon2id, at the strength that OWASP asks for, and as slow for nobody as for somebody."""

from __future__ import annotations

import inspect

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from app.core import passwords
from tests.conftest import HASHER
from tests.effort import effort

RIGHT = "correct horse battery staple"


@pytest.fixture(scope="module", autouse=True)
def hasher_of_the_product():
    """Everywhere else the tests take a cheap one."""
    cheap, passwords._hasher = passwords._hasher, HASHER
    passwords._nobody.clear()
    yield
    passwords._hasher = cheap
    passwords._nobody.clear()


@pytest.fixture(scope="module")
def hashed(hasher_of_the_product):
    return inspect.unwrap(passwords.hash_password)(RIGHT)


def test_the_right_password_matches_and_no_other(hashed):
    assert passwords.matches(RIGHT, hashed)
    for wrong in ("", RIGHT.upper(), RIGHT + " ", " " + RIGHT, RIGHT[:-1], "correct horse battery stapl\u00e9"):
        assert not passwords.matches(wrong, hashed), wrong


def test_it_is_argon2id_with_at_least_46_mebibytes(hashed):
    found = extract_parameters(hashed)
    assert (found.type, found.time_cost, found.parallelism) == (Type.ID, 1, 1)
    assert found.memory_cost >= 46 * 1024
    assert not passwords.needs_rehash(hashed)


def test_the_same_password_never_looks_the_same():
    hash_anew = inspect.unwrap(passwords.hash_password)  # the tests remember hashes, to save time
    assert hash_anew(RIGHT) != hash_anew(RIGHT)


def test_a_hash_of_weaker_times_is_noticed():
    assert passwords.needs_rehash(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(RIGHT))


def test_nobody_has_no_password(hashed):
    assert not passwords.matches(RIGHT, None)
    assert not passwords.matches("nobody has this password", None)


def test_nobody_takes_as_long_as_somebody(hashed):
    """Else the time would tell which addresses have an account. CPU time: other processes do not count."""
    passwords.matches("warm up", None)

    somebody = effort(lambda: passwords.matches("wrong password", hashed))
    nobody = effort(lambda: passwords.matches("wrong password", None))
    assert 0.5 < nobody / somebody < 2


def test_a_giant_password_costs_nothing(hashed):
    giant = "x" * 10_000_000
    assert not passwords.matches(giant, hashed)
    hashing = effort(lambda: passwords.matches("an honest guess", hashed))
    assert effort(lambda: passwords.matches(giant, hashed)) < hashing / 3, "It was refused before it was hashed."


@pytest.mark.parametrize("garbage", ["", "not a hash", "$argon2id$v=19$m=1", "plain password"])
def test_a_garbled_hash_matches_nothing(garbage):
    assert not passwords.matches("plain password", garbage)


def test_it_is_taken_exactly_as_it_was_typed():
    composed, decomposed = "p\u00e4ssw\u00f6rter sind lang", "pa\u0308sswo\u0308rter sind lang"
    hashed = passwords.hash_password(composed)
    assert passwords.matches(composed, hashed)
    assert not passwords.matches(decomposed, hashed)
