"""Windows of a real Chromium, on pages of the started product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from app.local.chromium import find_or_install
from benchmarks.client import percentiles
from benchmarks.live.place import Place
from benchmarks.weight import FLAGS

SLOWER = 4
WIDE = {"width": 1440, "height": 900}
FOLLOWING = "#live-state[data-line=open]"
PRESSED = "addEventListener('click', () => { window.pressed = Date.now(); }, true)"
WATCH = """(number) => {
  const card = () => document.querySelector(`.board [data-number="${number}"]`);
  const column = () => card()?.closest("[data-state]")?.dataset.state;
  const before = column();
  window.seen = new Promise((done) => new MutationObserver((_, watcher) => {
    if (!column() || column() === before) return;
    watcher.disconnect();
    done(Date.now());
  }).observe(document.body, { childList: true, subtree: true }));
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, place: Place, cookie: str, *, script: str = "") -> Page:
    """A window of somebody, with an empty cache; on each page runs a script first."""
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    context.add_cookies([{"name": "sid", "value": cookie, "url": place.running.address.url}])
    if script:
        context.add_init_script(script)
    return context.new_page()


def measure(place: Place, moves: int) -> dict[str, Any]:
    """Two windows on one board: from the click in one of them to the card in its new column in the other.

    The first move is the first that the processes and both browsers have to do with: it is told by itself as well.
    """
    took: list[float] = []
    address = f"{place.running.address.url}{place.base}/programs/{place.acme.program_id}/board"
    with chromium() as browser:
        one, other = (opened(browser, place, cookie, script=PRESSED) for cookie in place.cookies[:2])
        for page in (one, other):
            page.goto(address)
            page.locator(FOLLOWING).wait_for(state="attached")
        for _move in range(moves):
            card = one.locator(".board .card:has(details.menu)").first
            other.evaluate(WATCH, card.get_attribute("data-number"))
            card.locator("details.menu summary").click()
            with one.expect_response("**/place"):
                card.locator("button[name=state]").first.click()
            took.append(other.evaluate("window.seen") - one.evaluate("window.pressed"))
            one.keyboard.press("Escape")
            one.wait_for_timeout(300)
    return {"moves": moves, "first": took[0], "slowest": max(took), **percentiles(took)}


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    told = ("p50", "p95", "slowest", "first")
    return [
        "| two windows of Chromium, from the click to the card | p50 | p95 | slowest | first |",
        "| --- | --- | --- | --- | --- |",
        f"| {found['moves']} moves | {' | '.join(f'{found[each]:.0f} ms' for each in told)} |",
    ]
