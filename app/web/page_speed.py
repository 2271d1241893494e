"""How quick pages are, as a page tells it: kinds of pages by their address, values with a mark, a chart by day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import current_app

from app.core.errors import InvalidParameter
from app.core.page_speed import KEPT_DAYS, MEASURES
from app.core.phrases import phrase
from app.queries.page_speed import THRESHOLDS, PageSpeed, Quantiles, Speeds
from app.schemas.page_speed import DEVICES
from app.web import dates
from app.web.languages import translated as _
from app.web.parsing import choice_parameter, number_parameter, read_parameters

OURS = "/o/<slug>/"
TALLEST, BAR = 40, 10  # of a chart, in units of its own
_BLANK = re.compile("<[^>]*>")


def kinds() -> dict[str, str]:
    """Every kind of page that an organisation has, with its address, in which a dot stands for what differs."""
    known: dict[str, str] = current_app.extensions.get("kinds_of_pages", {})
    if not known:
        for rule in current_app.url_map.iter_rules():
            if rule.rule.startswith(OURS) and "GET" in (rule.methods or ()):
                known[rule.endpoint] = _BLANK.sub("…", "/" + rule.rule.removeprefix(OURS))
        current_app.extensions["kinds_of_pages"] = known
    return known


def read_span() -> tuple[int, str]:
    """The days and the kind of device that the address asks for. Raises InvalidParameter."""
    given = read_parameters("days", "device")
    days = number_parameter(given, "days") or 7
    if not 1 <= days <= KEPT_DAYS:
        raise InvalidParameter({"days": phrase("This must be from 1 to %(days)s.", days=KEPT_DAYS)})
    return days, choice_parameter(given, "device", DEVICES) or ""


def speed_context(found: Speeds) -> dict[str, Any]:
    """What the page shows."""
    return {
        "pages": [_page(each) for each in found.pages],
        "measures": [(name, *words) for name, words in _words().items()],
        "charts": [_chart(name, {day: each[name] for day, each in found.days.items()}) for name in MEASURES],
    }


def _words() -> dict[str, tuple[str, str]]:
    return {
        "lcp": (_("Shown"), _("Until the largest part of a page is there (LCP)")),
        "inp": (_("Answers"), _("From pressing something until it is seen that it was heard (INP)")),
        "cls": (_("Shifts"), _("How far things move by themselves (CLS)")),
        "ttfb": (_("Server"), _("Until the first byte is there (TTFB)")),
    }


def _page(found: PageSpeed) -> dict[str, Any]:
    return {
        "address": kinds().get(found.page, found.page),
        "views": dates.number(found.views),
        "measures": [_told(name, each) for name, each in found.measures.items()],
    }


def _told(measure: str, found: Quantiles | None) -> dict[str, Any] | None:
    if found is None:
        return None
    p50, p75, p95 = (_written(measure, each) for each in (found.p50, found.p75, found.p95))
    return {"p50": p50, "p75": p75, "p95": p95, "tone": _tone(measure, found.p75)}


def _tone(measure: str, value: float) -> str:
    good, poor = THRESHOLDS[measure]
    return "good" if value <= good else "attention" if value <= poor else "danger"


def _written(measure: str, value: float) -> str:
    if measure == "cls":
        return dates.number(round(value / 10_000, 2))
    if value < 1000:
        return f"{dates.number(round(value))} ms"
    return f"{dates.number(round(value / 1000, 1))} s"


def _chart(measure: str, by_day: Mapping[date, Quantiles | None]) -> dict[str, Any]:
    """Bars for the days, and the line below which all is well."""
    values = {day: each.p75 for day, each in by_day.items() if each}
    good = THRESHOLDS[measure][0]
    highest = max([good * 1.25, *values.values()])
    bars = [
        {
            "x": place * BAR,
            "height": max(1, round(values[day] / highest * TALLEST, 1)),
            "tone": _tone(measure, values[day]),
            "day": day,
            "value": _written(measure, values[day]),
        }
        for place, day in enumerate(by_day)
        if day in values
    ]
    name, meaning = _words()[measure]
    return {
        "name": name,
        "meaning": meaning,
        "bars": bars,
        "width": len(by_day) * BAR,
        "good_line": TALLEST - round(good / highest * TALLEST, 1),
        "last": bars[-1]["value"] if bars else None,
    }
