"""What a list of ten thousand rows costs a browser that is four times as slow, read on to its end chunk by chunk."""

from __future__ import annotations

from typing import Any

from flask import Flask
from playwright.sync_api import Page, sync_playwright

from app.local.chromium import find_or_install
from benchmarks import data, people, stack
from benchmarks.stack import Stack

SLOWER = 4
CHUNK = 200
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
NEXT = ".pages a[rel=next]"
# From the press to the frame that shows the chunk, measured within the page: what drives the browser from outside takes
# longer the more there is on the page, up to three seconds at its end.
READ_ON = """() => new Promise((done) => {
  const began = performance.now();
  const list = document.querySelector(".chunks"), link = document.querySelector(".pages a[rel=next]");
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  }).observe(list, { childList: true });
  link.click();
})"""
FRAME = """() => new Promise((done) => {
  const began = performance.now();
  scrollTo(0, document.documentElement.scrollHeight / 2);
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""


def measure(running: Stack, app: Flask) -> dict[str, Any]:
    """Start everything, read the list to its end, then jump into its middle."""
    with app.app_context(), running.connect() as connection:
        connection.execute((stack.ROOT / "benchmarks" / "floor.sql").read_text())
        acme = data.organisation(connection, "acme", data.MANY)
        [cookie] = people.signed_in(acme, 1)
    stack.start_everything(running, str(acme.id))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=ARGUMENTS)
        context = browser.new_context()
        context.add_cookies([{"name": "sid", "value": cookie, "url": running.address.url}])
        found = _read(context.new_page(), f"{running.address.url}{acme.tasks}?limit={CHUNK}")
        browser.close()
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    return [
        "| rows | layout, first chunk | layout, all | style, all | second chunk | last chunk | jump to the middle |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| {found['rows']:,} | {found['first']:.0f} ms | {found['layout']:.0f} ms | {found['style']:.0f} ms"
        f" | {found['second']:.0f} ms | {found['last']:.0f} ms | {found['jump']:.0f} ms |",
    ]


def _read(page: Page, address: str) -> dict[str, Any]:
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    first = _spent(client)
    second = took = page.evaluate(READ_ON)
    while page.locator(NEXT).count():
        took = page.evaluate(READ_ON)
    spent = _spent(client)
    return {
        "rows": page.locator(".chunk tbody tr").count(),
        "first": first["LayoutDuration"],
        "layout": spent["LayoutDuration"],
        "style": spent["RecalcStyleDuration"],
        "second": second,
        "last": took,
        "jump": page.evaluate(FRAME),
    }


def _spent(client: Any) -> dict[str, float]:
    """Milliseconds that the page has spent so far, by what for."""
    told = client.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] * 1000 for each in told if each["name"].endswith("Duration")}
