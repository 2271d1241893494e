"""Identifiers sort by the time they were made, except those that must not tell it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import time
from uuid import UUID

from app.core.ids import new_id, new_secret_id, new_token


def test_ids_sort_as_they_were_made_also_within_a_millisecond():
    made = [new_id() for _number in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert all(isinstance(each, UUID) and each.version == 7 for each in made[:10])


def test_an_id_tells_when_it_was_made():
    before = int(time() * 1000)
    made = new_id().int >> 80
    assert before <= made <= int(time() * 1000) + 1


def test_ids_of_many_threads_never_meet():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _number: new_id(), range(4000)))
    assert len(set(made)) == 4000


def test_a_secret_id_tells_nothing():
    made = [new_secret_id() for _number in range(1000)]
    assert {each.version for each in made} == {4}
    assert made != sorted(made)
    assert len({each.int >> 80 for each in made}) == 1000


def test_a_token_has_256_bits_and_is_safe_in_an_address():
    tokens = {new_token() for _number in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 43 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)
