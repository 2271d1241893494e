"""Keys of an order: there is always one between two, and they sort as their bytes do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core.ranks import DIGITS, LONGEST, between, spread

PLACES = st.lists(st.integers(min_value=0), max_size=120)


@given(PLACES)
def test_wherever_something_is_put_there_is_a_key_for_it(places):
    order: list[str] = []
    for place in places:
        at = place % (len(order) + 1)
        lower, upper = order[at - 1] if at else None, order[at] if at < len(order) else None
        order.insert(at, between(lower, upper))
    assert all(one < other for one, other in pairwise(order))
    assert all(key.encode() < other.encode() for key, other in pairwise(order))
    assert all(set(key) <= set(DIGITS) and key[0].isalpha() for key in order)


@given(st.sampled_from(["first", "last"]), st.integers(min_value=1, max_value=500))
def test_what_is_put_at_an_end_stays_short(end, count):
    key = None
    for _ in range(count):
        key = between(key, None) if end == "last" else between(None, key)
    assert len(key) <= 4


def test_putting_one_thing_after_another_between_the_same_two_grows_slowly():
    lower, upper = "a0", "a1"
    for _ in range(LONGEST):
        upper = between(lower, upper)
        assert lower < upper
    assert len(upper) < LONGEST


def test_there_is_no_end_to_the_order():
    last, first = "z" + "z" * 26, "A" + "0" * 25 + "1"
    assert between(last, None) > last
    for _ in range(200):
        earlier = between(None, first)
        assert earlier < first
        first = earlier


def test_numbering_anew_gives_short_keys_in_order():
    keys = list(spread(5000))
    assert keys == sorted(set(keys))
    assert len(keys) == 5000
    assert max(map(len, keys)) == 4
    assert list(spread(0)) == []
