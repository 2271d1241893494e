"""A workspace of three panels in Chromium: how it comes, how it answers, and how soon another panel is there."""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks import weight
from benchmarks.client import percentiles
from benchmarks.live.place import Place
from benchmarks.live.windows import FOLLOWING, SLOWER, chromium, opened

LOADS = 5
VITALS = """
window.vitals = { lcp: 0, cls: 0, inp: 0, moved: {}, slowest: {} };
const each = (type, hear, more) => new PerformanceObserver((list) => list.getEntries().forEach(hear))
  .observe({ type, buffered: true, ...more });
each("largest-contentful-paint", (entry) => { vitals.lcp = entry.startTime; });
each("layout-shift", (entry) => {
  if (entry.hadRecentInput) return;
  vitals.cls += entry.value;
  const node = entry.sources[0]?.node;
  const name = (node?.className && `.${node.className.split(" ")[0]}`) || node?.nodeName || "unknown";
  vitals.moved[name] = (vitals.moved[name] || 0) + entry.value;
});
each("event", ({ interactionId, name, startTime, processingStart, processingEnd, duration }) => {
  const [waited, worked] = [processingStart - startTime, processingEnd - processingStart];
  const isAsSlow = duration === vitals.inp && worked > vitals.slowest.worked; // of a key and its click
  if (!interactionId || (duration <= vitals.inp && !isAsSlow)) return;
  vitals.inp = duration;
  vitals.slowest = { name, waited, worked, drawn: duration - waited - worked };
}, { durationThreshold: 16 });
"""
OPENING = """() => {
  const panels = () => document.querySelectorAll("[data-place]:not([hidden]) h1").length;
  const before = panels();
  let began;
  addEventListener("keydown", () => { began ??= performance.now(); }, true);
  window.there = new Promise((done) => new MutationObserver((_, watcher) => {
    if (panels() <= before) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ["hidden"] }));
}"""
LINK = "[data-panel][data-path^=tasks] .list__link"
NEW = "[data-panel][data-path^='tasks/']"


def measure(place: Place, opens: int) -> dict[str, Any]:
    """Load it again and again, as quick as this machine and four times as slow; then open and close a panel."""
    program = f"programs/{place.acme.program_id}"
    path = f"{place.base}/w?p=tasks&p={program}&p=programs"
    with chromium() as browser:
        loads = {slower: [_loaded(browser, place, path, slower) for _load in range(LOADS)] for slower in (1, SLOWER)}
        page = _shown(browser, place, path)
        _open_and_close(page)  # what is only slow once
        took = [_open_and_close(page) for _open in range(opens)]
        slowest = _interactions(browser, place, path)
    return {
        "moved": loads[SLOWER][-1]["moved"],
        "loads": {slower: {name: statistics.median(each[name] for each in rows) for name in ("lcp", "cls")}
                  for slower, rows in loads.items()},
        "opening": {"times": opens, **percentiles(took)},
        "inp": slowest["inp"],
        "slowest": slowest,
        "weight": {name: weight.of_page(place.running, place.acme, at)
                   for name, at in {"list of tasks": place.acme.tasks, "workspace": path}.items()},
    }  # fmt: skip


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as tables for docs/benchmarks.md."""
    opening = found["opening"]
    told = ["| three panels | LCP | CLS | INP |", "| --- | --- | --- | --- |"]
    for slower, each in found["loads"].items():
        inp = f"{found['inp']:.0f} ms" if slower == SLOWER else "not measured"
        name = "as quick as the machine" if slower == 1 else f"{slower} times as slow"
        told.append(f"| {name} | {each['lcp']:.0f} ms | {each['cls']:.3f} | {inp} |")
    moved = ", ".join(f"`{name}` {by:.3f}" for name, by in found["moved"].items())
    told += ["", f"Moved in the last load: {moved or 'nothing'}. {_parts(found['slowest'])}"]
    told += ["", "| opening a panel | p50 | p95 |", "| --- | --- | --- |"]
    told += [f"| {opening['times']} times | {opening['p50']:.0f} ms | {opening['p95']:.0f} ms |", ""]
    told += ["| first load, compressed | requests | HTML | CSS | JavaScript |", "| --- | --- | --- | --- | --- |"]
    for name, each in found["weight"].items():
        sizes = " | ".join(f"{each['by_kind'].get(kind, 0) / 1000:.1f} kB" for kind in ("html", "css", "js"))
        told.append(f"| {name} | {each['requests']} | {sizes} |")
    return told


def _shown(browser: Browser, place: Place, path: str, slower: int = 1) -> Page:
    page = opened(browser, place, place.cookies[0], script=VITALS)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(f"{place.running.address.url}{path}")
    page.locator(FOLLOWING).wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    return page


def _loaded(browser: Browser, place: Place, path: str, slower: int) -> dict[str, Any]:
    page = _shown(browser, place, path, slower)
    found = dict(page.evaluate("vitals"))
    page.context.close()
    return found


def _open_and_close(page: Page) -> float:
    """By the keyboard; how many milliseconds from the key to the panel, drawn."""
    page.locator(LINK).first.focus()
    page.evaluate(OPENING)
    page.keyboard.press("Alt+Enter")
    took = float(page.evaluate("window.there"))
    page.locator(NEW).get_by_role("button", name="Close").press("Enter")
    page.locator(NEW).wait_for(state="detached")
    return took


def _parts(slowest: dict[str, Any]) -> str:
    """What the slowest answer was made of."""
    waited, worked, drawn = (f"{slowest[part]:.0f} ms" for part in ("waited", "worked", "drawn"))
    return f"INP: `{slowest['name']}`, {waited} until it was heard, {worked} in scripts, {drawn} until it was drawn."


def _interactions(browser: Browser, place: Place, path: str) -> dict[str, Any]:
    """The slowest of what somebody does with panels, menus and edges, in a browser four times as slow."""
    page = _shown(browser, place, path, SLOWER)
    for _turn in range(3):
        page.locator("[data-panel] summary").first.click()
        page.keyboard.press("Escape")
        page.get_by_role("separator").first.press("ArrowLeft")
        page.get_by_role("separator").first.press("ArrowRight")
        _open_and_close(page)
    page.wait_for_timeout(500)  # until a browser has told of the last ones
    return dict(page.evaluate("({ inp: vitals.inp, ...vitals.slowest })"))
