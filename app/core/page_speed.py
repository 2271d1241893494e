"""How quick pages are for whoever uses them: counted in histograms by day, and never kept one by one.

The counts lie with the Redis-protocol server, which may be emptied: they are worth a look and nothing of record.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.core import valkey

KEPT_DAYS = 28
MEASURES = ("lcp", "inp", "cls", "ttfb")  # in milliseconds, but `cls` in ten-thousandths
VIEWS = "views"
_STEPS = 4  # buckets from one power of two to the next: a percentile is known to a few per cent
_LAST = 68  # from 2**17, two minutes, on everything is alike


@dataclass(frozen=True, slots=True)
class View:
    """One look at a page: what kind of page it was, on what kind of device, and what was measured of it."""

    page: str
    device: str
    measured: Mapping[str, int]


Histograms = dict[tuple[str, str, str], Counter[int]]  # by page, device and measure


def count(tenant_id: UUID, day: date, views: Iterable[View]) -> None:
    """Count these views of a day. Raises RedisError."""
    key, pipeline = _key(tenant_id, day), valkey.client().pipeline(transaction=False)
    for view in views:
        for measure, bucket in (*((name, _bucket(value)) for name, value in view.measured.items()), (VIEWS, 0)):
            pipeline.hincrby(key, f"{view.page}|{view.device}|{measure}|{bucket}", 1)
    pipeline.expire(key, timedelta(days=KEPT_DAYS + 1))
    pipeline.execute()


def counted(tenant_id: UUID, days: Iterable[date]) -> dict[date, Histograms]:
    """What was counted on each of these days. Raises RedisError."""
    wanted, pipeline = list(days), valkey.client().pipeline(transaction=False)
    for day in wanted:
        pipeline.hgetall(_key(tenant_id, day))
    return {day: _histograms(found) for day, found in zip(wanted, pipeline.execute(), strict=True)}


def percentile(histogram: Counter[int], part: float) -> float:
    """The value that `part` of what was counted does not exceed; of a histogram that holds something."""
    wanted, passed = part * histogram.total(), 0
    for bucket in sorted(histogram):
        if passed + histogram[bucket] >= wanted:
            low, high = _edge(bucket - 1), _edge(bucket)
            return low + (high - low) * (wanted - passed) / histogram[bucket]
        passed += histogram[bucket]
    return _edge(max(histogram))


def _bucket(value: int) -> int:
    return 0 if value < 1 else min(_LAST, 1 + math.ceil(_STEPS * math.log2(value)))


def _edge(bucket: int) -> float:
    """The largest value of a bucket: 0, 1, then four for each doubling."""
    return 0.0 if bucket < 1 else 2 ** ((bucket - 1) / _STEPS)


def _key(tenant_id: UUID, day: date) -> str:
    return f"page_speed:{tenant_id}:{day.isoformat()}"


def _histograms(found: Mapping[bytes, bytes]) -> Histograms:
    told: Histograms = defaultdict(Counter)
    for name, number in found.items():
        page, device, measure, bucket = name.decode().split("|")
        told[page, device, measure][int(bucket)] = int(number)
    return dict(told)
