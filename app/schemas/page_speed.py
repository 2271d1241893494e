"""What pages tell of how quick they were, and how that goes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.core.parsing import Schema

Milliseconds = Annotated[int, Field(strict=True, ge=0, le=600_000)]
DEVICES = ("mouse", "touch")
MOST_VIEWS = 20


class NewView(Schema):
    """One look at a page. No address: only what kind of page it was."""

    page: Annotated[str, Field(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")]
    lcp: Milliseconds | None = None
    inp: Milliseconds | None = None
    cls: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None  # in ten-thousandths
    ttfb: Milliseconds | None = None

    @property
    def measured(self) -> dict[str, int]:
        """What was measured, by name."""
        return {name: value for name, value in self.model_dump(exclude={"page"}).items() if value is not None}


class NewViews(Schema):
    """The looks at pages since the last time."""

    device: Literal["mouse", "touch"]
    views: Annotated[list[NewView], Field(min_length=1, max_length=MOST_VIEWS)]


class QuantilesOut(Schema):
    """What a half, three quarters and nineteen of twenty views do not exceed."""

    p50: float
    p75: float
    p95: float
    count: int


class PageSpeedOut(Schema):
    """One kind of page: `lcp`, `inp` and `ttfb` in milliseconds, `cls` as it is."""

    page: str
    views: int
    lcp: QuantilesOut | None
    inp: QuantilesOut | None
    cls: QuantilesOut | None
    ttfb: QuantilesOut | None

    @classmethod
    def of(cls, found: Any) -> PageSpeedOut:
        """What the query tells of a page."""
        told = {name: _out(name, each) for name, each in found.measures.items()}
        return cls(page=found.page, views=found.views, **told)


def _out(measure: str, found: Any) -> QuantilesOut | None:
    if found is None:
        return None
    unit, digits = (10_000, 4) if measure == "cls" else (1, 0)
    p50, p75, p95 = (round(each / unit, digits) for each in (found.p50, found.p75, found.p95))
    return QuantilesOut(p50=p50, p75=p75, p95=p95, count=found.count)
