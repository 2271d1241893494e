"""How quick pages have been of late, for whoever may see it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from redis.exceptions import RedisError

from app.core import clock, page_speed
from app.core.actor import Actor
from app.core.errors import Unavailable
from app.core.page_speed import MEASURES, VIEWS, Histograms, percentile
from app.core.permissions import require_somewhere

# What counts as good, and above what as poor, at three quarters of all views (web.dev/articles/vitals).
THRESHOLDS = {"lcp": (2500, 4000), "inp": (200, 500), "cls": (1000, 2500), "ttfb": (800, 1800)}


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of one measure: what a half, three quarters and nineteen of twenty views do not exceed, and how many they are."""

    p50: float
    p75: float
    p95: float
    count: int


@dataclass(frozen=True, slots=True)
class PageSpeed:
    """One kind of page."""

    page: str
    views: int
    measures: dict[str, Quantiles | None]


@dataclass(frozen=True, slots=True)
class Speeds:
    """Every kind of page that was looked at, those most looked at first; and all of them together, day by day."""

    pages: list[PageSpeed]
    days: dict[date, dict[str, Quantiles | None]]


def page_speeds(actor: Actor, days: int, device: str = "") -> Speeds:
    """The last so many days, on all devices or those of one kind. Raises Unavailable where the counts are away."""
    require_somewhere(actor, "page_speed.view")
    today = clock.now().date()
    wanted = [today - timedelta(days=back) for back in reversed(range(days))]
    try:
        counted = page_speed.counted(actor.tenant_id, wanted)
    except (RedisError, OSError):
        raise Unavailable from None
    by_page = _added(counted.values(), device)
    pages = [PageSpeed(page, found[VIEWS].total(), _quantiles(found)) for page, found in by_page.items()]
    return Speeds(
        pages=sorted(pages, key=lambda each: (-each.views, each.page)),
        days={day: _quantiles(_of_all_pages(found, device)) for day, found in counted.items()},
    )


def _added(days: Iterable[Histograms], device: str) -> dict[str, dict[str, Counter[int]]]:
    pages: dict[str, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for day in days:
        for (page, on, measure), histogram in day.items():
            if device in ("", on):
                pages[page][measure].update(histogram)
    return pages


def _of_all_pages(day: Histograms, device: str) -> dict[str, Counter[int]]:
    together: dict[str, Counter[int]] = defaultdict(Counter)
    for (_page, on, measure), histogram in day.items():
        if device in ("", on):
            together[measure].update(histogram)
    return together


def _quantiles(found: dict[str, Counter[int]]) -> dict[str, Quantiles | None]:
    return {measure: _quantiles_of(found.get(measure)) for measure in MEASURES}


def _quantiles_of(histogram: Counter[int] | None) -> Quantiles | None:
    if not histogram:
        return None
    p50, p75, p95 = (percentile(histogram, part) for part in (0.5, 0.75, 0.95))
    return Quantiles(p50, p75, p95, histogram.total())
