"""axe-core, run on a page as it stands. What it finds is a defect."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import CDPSession, Page

from tests.stage import ROOT

# Everything in light; in dark only what depends on colours, as the elements are the same.
RUN = """async (rules) => {
  const only = rules ? {runOnly: {type: "rule", values: rules}} : {};
  const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false, ...only});
  return violations.flatMap((found) => found.nodes.map((node) =>
    `${found.id}: ${node.target} ${node.failureSummary.replace(/\\s+/g, " ")} in ${node.html.slice(0, 160)}`));
}"""
COLOURS = ["color-contrast", "link-in-text-block"]

# Kept as long as the page: to close one takes a virtual authenticator away (test_passkeys.py).
_devtools: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()


def violations(page: Page) -> list[str]:
    """What is wrong with the page, in light and in dark."""
    _bring_along(page)
    found = [f"light {each}" for each in _run(page, "light", None)]
    return found + [f"dark {each}" for each in _run(page, "dark", COLOURS)]


def _bring_along(page: Page) -> None:
    """By DevTools, which find again what they have compiled for the page before. What is there already may stay."""
    if page.evaluate("typeof axe == 'object'"):
        return
    if page not in _devtools:
        _devtools[page] = page.context.new_cdp_session(page)
    said = _devtools[page].send("Runtime.evaluate", {"expression": _source(), "returnByValue": True})
    assert "exceptionDetails" not in said, said


def _run(page: Page, scheme: Any, rules: list[str] | None) -> list[str]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce", forced_colors="none")  # a colour half-way is none
    return list(page.evaluate(RUN, rules))


@cache
def _source() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
