"""The clock is aware, in UTC, and stops for tests only where they say so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_it_tells_the_present_in_utc():
    before = datetime.now(UTC)
    told = clock.now()
    assert before <= told <= datetime.now(UTC)
    assert told.utcoffset() == timedelta(0)


def test_it_can_be_stopped_and_goes_on_afterwards():
    with clock.stopped(NOON):
        assert clock.now() == clock.now() == NOON
        with clock.stopped(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert clock.now() > NOON


def test_it_goes_on_after_an_error_too():
    with pytest.raises(ZeroDivisionError), clock.stopped(NOON):
        raise ZeroDivisionError
    assert clock.now() > NOON


def test_it_does_not_stop_for_other_threads():
    with clock.stopped(NOON), ThreadPoolExecutor(1) as pool:
        assert pool.submit(clock.now).result() > NOON


def test_it_needs_an_aware_moment():
    with pytest.raises(ValueError, match="timezone-aware"), clock.stopped(NOON.replace(tzinfo=None)):
        pass
    with clock.stopped(NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))):
        assert clock.now() == NOON
