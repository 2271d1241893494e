"""`make soak`: people work on the started product for ten minutes, and nothing complains and nothing grows.

Two boards and a workspace of three panels that are open all the time, and two phones, one that goes from page to page
and one with a workspace of its own. Cards are moved, tasks are read and commented on, panels are opened, moved and
closed, lists are read on, connections are lost and the live process is started anew. Each click is made once: what
others do meanwhile must not take it away. What a browser reports as an error, a violation of the
Content-Security-Policy, an error in a log, or memory that keeps growing ends it with 1.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from app import create_app
from app.local.chromium import find_or_install
from app.local.home import LocalError
from app.local.procfile import read_procfile
from app.local.readiness import ask, is_ready
from app.local.supervisor import StopRequestedError
from benchmarks import data, people, processes, stack
from benchmarks.stack import Stack

TASKS = 120
WARM_UP = 0.25  # of the time, in which caches fill and nothing is compared
EVERY_DROP, EVERY_RESTART = 40.0, 150.0  # seconds
# What may be more at the end than at the beginning, beside a fifth: what a garbage collector leaves for later.
SPARE = {
    "web MB": 24.0,
    "live MB": 12.0,
    **{f"{page} heap MB": 3.0 for page in ("board", "desk")},
    **{f"{page} nodes": 1500.0 for page in ("board", "desk")},
    **{f"{page} listeners": 600.0 for page in ("board", "desk")},
}
MOST_GROWTH = 1.2
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-sync",
]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
OFFLINE = re.compile("ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|Failed to fetch|WebSocket connection to")
VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`Content-Security-Policy: ${event.violatedDirective} refused ${event.blockedURI}`))"""


@dataclass
class Watch:
    """What went wrong, and what was used of memory, round by round."""

    complaints: list[str] = field(default_factory=list)
    used: dict[str, list[float]] = field(default_factory=dict)
    is_cut: bool = False  # a connection was taken away on purpose: a browser may say so
    acts: int = 0

    def hear(self, message: ConsoleMessage) -> None:
        """Note an error that a browser tells."""
        if message.type == "error" and not (self.is_cut and OFFLINE.search(message.text)):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def note(self, values: dict[str, float]) -> None:
        """Note what is used now."""
        for name, value in values.items():
            self.used.setdefault(name, []).append(value)

    def growing(self) -> Iterator[str]:
        """What is clearly more in the last third than in the first after warming up, in words."""
        for name, values in self.used.items():
            kept = values[int(len(values) * WARM_UP) :]
            third = max(1, len(kept) // 3)
            first, last = statistics.median(kept[:third]), statistics.median(kept[-third:])
            if last > first * MOST_GROWTH + SPARE[name]:
                yield f"{name} grew from {first:.1f} to {last:.1f}"


def main() -> int:
    """Work for a while and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long people work (600)")
    seconds = parser.parse_args().seconds
    chromium = find_or_install()
    try:
        with stack.running() as running, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            watch = _soak(running, browser, seconds)
            watch.complaints += _said_in_logs(running.logs)
            browser.close()
    except LocalError as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except StopRequestedError:
        print("Stopped.", file=sys.stderr)
        return 1
    wrong = [*dict.fromkeys(watch.complaints), *watch.growing()]
    for name, values in watch.used.items():
        print(f"{name:<16} {values[0]:>10.1f} at first {max(values):>10.1f} at most {values[-1]:>10.1f} at last")
    print(f"{watch.acts} acts in {seconds:g} s; " + ("nothing complained, nothing grew." if not wrong else "wrong:"))
    print("\n".join(wrong))
    return int(bool(wrong))


def _soak(running: Stack, browser: Browser, seconds: float) -> Watch:
    app = create_app("web", **running.settings)
    with app.app_context(), running.connect() as connection:
        acme = data.organisation(connection, "acme", TASKS)
        cookies = people.signed_in(acme, 5)
    for process in (name for name in read_procfile() if name != "release"):
        running.start(process)
    running.wait(lambda: is_ready(ask(running.address)), "the product to be ready")
    watch, base = Watch(), f"{running.address.url}/o/{acme.slug}"
    alice, bob, carol, phone, finn = (
        _window(browser, running, watch, cookie, **more)
        for cookie, more in zip(cookies, ({}, {}, {}, PHONE, PHONE), strict=True)
    )
    board = f"{base}/programs/{acme.program_id}/board"
    for page in (alice, bob):
        page.goto(board)
    carol.goto(f"{base}/w?p=programs/{acme.program_id}/board&p=tasks/{acme.task_id}&p=programs/{acme.program_id}")
    phone.goto(f"{base}/tasks")
    finn.goto(f"{base}/w?p=tasks/{acme.task_id}&p=programs/{acme.program_id}")
    # Between two moves everybody has time to see the first: who moves what somebody has just moved is told so.
    acts: list[partial[None]] = [
        partial(_move_a_card, alice),
        partial(_read_a_task, bob, board),
        partial(_use_panels, carol),
        partial(_go_around, phone),
        partial(_move_a_card, carol),
        partial(_add_a_panel, finn),
        partial(_move_a_card, bob),
        partial(_read_on, phone, base),
    ]
    everybody = [alice, bob, carol, phone, finn]
    _work(running, watch, acts, {"board": alice, "desk": carol}, [bob, carol], everybody, seconds)
    return watch


def _work(
    running: Stack,
    watch: Watch,
    acts: list[partial[None]],
    measured: dict[str, Page],
    losing: list[Page],
    everybody: list[Page],
    seconds: float,
) -> None:
    end, drop_at, restart_at = (time.monotonic() + after for after in (seconds, EVERY_DROP, EVERY_RESTART))
    clients = {name: page.context.new_cdp_session(page) for name, page in measured.items()}
    turns = itertools.cycle(losing)
    for act in itertools.cycle(acts):
        try:
            act()
        except BrowserError as failure:
            failure.add_note(f"This was {act.func.__name__}, at {act.args[0].url}.")
            raise
        watch.acts += 1
        if act is acts[-1]:  # the next who moves a card has missed nothing
            watch.note(_used(running, clients))
            if time.monotonic() > drop_at:
                _lose_the_network(watch, next(turns))
                drop_at = time.monotonic() + EVERY_DROP
            if time.monotonic() > restart_at:
                _restart_live(running, watch, everybody)
                restart_at = time.monotonic() + EVERY_RESTART
        if time.monotonic() > end:
            return


def _window(browser: Browser, running: Stack, watch: Watch, cookie: str, **more: Any) -> Page:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | more)
    context.set_default_timeout(30_000)
    context.add_init_script(VIOLATIONS)
    context.add_cookies([{"name": "sid", "value": cookie, "url": running.address.url}])
    page = context.new_page()
    page.on("console", watch.hear)
    page.on("pageerror", lambda error: watch.complaints.append(f"An error in a script: {error}"))
    return page


def _move_a_card(page: Page) -> None:
    """By the menu of the first card that may go anywhere; the other board follows."""
    menu = page.locator(".card details.menu").first
    menu.locator("summary").click()
    with page.expect_response(re.compile("/place$")):
        menu.locator("button[name=state]").first.click()
    if menu.get_attribute("open") is not None:
        page.keyboard.press("Escape")


def _read_a_task(page: Page, board: str) -> None:
    """A task of the board, a word about it, and back: all in one document."""
    page.locator(".card__name").first.click()
    _comment(page, "main")
    page.go_back()
    page.wait_for_url(board)
    page.locator(".card").first.wait_for()


def _comment(page: Page, where: str) -> None:
    page.locator(f"{where} textarea[name=body]").fill(f"Seen at {time.time():.0f}.")
    with page.expect_response(re.compile("/comments$")):
        page.locator(f"{where} form:has(textarea[name=body]) button[type=submit]").first.click()


def _use_panels(page: Page) -> None:
    """A task is opened beside the board, pushed along, commented on and closed; the three others stay."""
    page.locator(".card__name").first.click(modifiers=["Alt"])
    opened = "[data-place]:nth-child(2)"
    page.locator(f"{opened} [data-grip]").wait_for()
    page.locator(f"{opened} textarea[name=body]").wait_for()
    _comment(page, opened)
    page.locator(f"{opened} [data-grip]").press("ArrowRight")
    page.locator("[data-place]:nth-child(3) [data-act=close]").click()
    _expect_panels(page, 3)


def _add_a_panel(page: Page) -> None:
    """With a finger: one more panel from the menu, a look at another one by the strip, and it is closed again."""
    page.locator("#workspace-add summary").tap()
    page.locator("#workspace-add [data-open=certifications]").tap()
    page.locator("[data-place]:nth-child(3) h1").wait_for()
    page.locator("[data-strip] a").first.tap()
    page.locator("[data-place]:nth-child(3) [data-act=close]").tap()
    _expect_panels(page, 2)


def _expect_panels(page: Page, number: int) -> None:
    page.wait_for_function("number => document.querySelectorAll('[data-place]').length === number", arg=number)


def _go_around(page: Page) -> None:
    for name in ("programs", "certifications", "policies", "tasks"):
        page.locator(f"#nav a[data-section={name}]").click()
        page.locator(f"#main[data-section={name}] h1").wait_for()


def _read_on(page: Page, base: str) -> None:
    page.goto(f"{base}/tasks?limit=20")
    page.locator(".chunk").first.hover()
    for _turn in range(6):
        page.mouse.wheel(0, 2000)
        page.locator(".chunk").last.wait_for(state="attached")
    page.locator(".list__link").last.click()
    page.locator("textarea[name=body]").wait_for(state="attached")
    page.go_back()
    page.locator(".chunk").first.wait_for()


@contextmanager
def _cut(watch: Watch, pages: Iterable[Page]) -> Iterator[None]:
    """A line is lost on purpose: browsers may say so, and have it again at the end."""
    watch.is_cut = True
    yield
    for page in pages:
        page.locator("#live-state[data-line=open]").wait_for(state="attached", timeout=60_000)
    watch.is_cut = False


def _lose_the_network(watch: Watch, page: Page) -> None:
    with _cut(watch, [page]):
        page.context.set_offline(True)
        page.wait_for_timeout(1500)
        page.context.set_offline(False)


def _restart_live(running: Stack, watch: Watch, pages: Iterable[Page]) -> None:
    with _cut(watch, pages):
        running.stop("live")
        running.start("live")
        running.wait(lambda: is_ready(ask(running.address)), "the live process to be back")


def _used(running: Stack, clients: dict[str, Any]) -> dict[str, float]:
    """Memory of the processes, and of the pages after their rubbish was collected."""
    used = {f"{name} MB": processes.memory(running.pid(name)) / 2**20 for name in ("web", "live")}
    for name, client in clients.items():
        client.send("HeapProfiler.collectGarbage")
        heap, dom = client.send("Runtime.getHeapUsage"), client.send("Memory.getDOMCounters")
        used |= {
            f"{name} heap MB": heap["usedSize"] / 2**20,
            f"{name} nodes": dom["nodes"],
            f"{name} listeners": dom["jsEventListeners"],
        }
    return used


def _said_in_logs(folder: Path) -> list[str]:
    """Errors that processes have logged."""
    lines = (line for log in folder.iterdir() for line in log.read_text().splitlines())
    return [line[:300] for line in lines if '"level":"error"' in line or "Traceback" in line]


if __name__ == "__main__":
    try:
        code = main()
    except BrowserError as failure:
        print(f"\nA browser did not get on: {failure}", *getattr(failure, "__notes__", []), sep="\n", file=sys.stderr)
        code = 1
    sys.exit(code)
