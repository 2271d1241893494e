"""How quick pages are, counted: percentiles from few buckets, and nothing that grows without end."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from uuid import uuid4

import pytest

from app.core import page_speed, valkey
from app.core.page_speed import View

DAY = date(2026, 11, 26)


@pytest.fixture
def tenant(app):
    return uuid4()


def histogram(tenant, *values):
    page_speed.count(tenant, DAY, [View("tasks.index", "mouse", {"lcp": value}) for value in values])
    return page_speed.counted(tenant, [DAY])[DAY]["tasks.index", "mouse", "lcp"]


@pytest.mark.parametrize("part", [0.5, 0.75, 0.95])
def test_a_percentile_is_right_to_a_tenth(tenant, part):
    rng = random.Random(7)
    values = sorted(round(rng.lognormvariate(6.5, 0.8)) for _ in range(400))
    there = values[round(part * len(values)) - 1]
    assert page_speed.percentile(histogram(tenant, *values), part) == pytest.approx(there, rel=0.1)


def test_what_is_always_the_same_is_about_that(tenant):
    assert page_speed.percentile(histogram(tenant, *[1000] * 9), 0.75) == pytest.approx(1000, rel=0.19)


def test_nothing_at_all_is_nothing(tenant):
    assert page_speed.percentile(histogram(tenant, 0, 0), 0.95) == 0


def test_the_slowest_of_all_has_a_bucket(tenant):
    assert histogram(tenant, 600_000).keys() == {page_speed._LAST}


def test_each_organisation_day_page_and_device_is_counted_apart(tenant):
    other = date(2026, 11, 25)
    page_speed.count(tenant, DAY, [View("tasks.show", "touch", {"inp": 80, "cls": 0})])
    page_speed.count(tenant, DAY, [View("tasks.show", "mouse", {})])
    page_speed.count(uuid4(), DAY, [View("tasks.show", "touch", {"inp": 80})])
    found = page_speed.counted(tenant, [other, DAY])
    assert found[other] == {}
    assert found[DAY]["tasks.show", "touch", "inp"].total() == 1
    assert found[DAY]["tasks.show", "touch", "cls"] == Counter({0: 1})
    assert found[DAY]["tasks.show", "mouse", page_speed.VIEWS].total() == 1
    assert ("tasks.show", "mouse", "inp") not in found[DAY]


def test_a_day_is_forgotten_after_four_weeks(tenant):
    histogram(tenant, 5)
    left = valkey.client().ttl(page_speed._key(tenant, DAY))
    assert 28 * 86_400 < left <= 29 * 86_400
