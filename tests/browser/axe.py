"""axe-core, run on a page as it stands. What it finds is a defect."""

from __future__ import annotations

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.stage import ROOT

# Everything in light; in dark only what depends on colours, as the elements are the same.
RUN = """async (rules) => {
  const only = rules ? {runOnly: {type: "rule", values: rules}} : {};
  const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false, ...only});
  return violations.flatMap((found) => found.nodes.map((node) =>
    `${found.id}: ${node.target} ${node.failureSummary.replace(/\\s+/g, " ")} in ${node.html.slice(0, 160)}`));
}"""
COLOURS = ["color-contrast", "link-in-text-block"]


def violations(page: Page) -> list[str]:
    """What is wrong with the page, in light and in dark."""
    page.evaluate(_source())
    found = [f"light {each}" for each in _run(page, "light", None)]
    return found + [f"dark {each}" for each in _run(page, "dark", COLOURS)]


def _run(page: Page, scheme: Any, rules: list[str] | None) -> list[str]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce", forced_colors="none")  # a colour half-way is none
    return list(page.evaluate(RUN, rules))


@cache
def _source() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
