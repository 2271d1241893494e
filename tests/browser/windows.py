"""A window of a browser, and everything that goes wrong in it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import APIResponse, Browser, ConsoleMessage, Locator, Page, Route

from tests.browser.layout import WIDE
from tests.cast import Player
from tests.running import BREATH

PATIENCE = 15_000  # milliseconds; a machine that runs other tests as well may be slow
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
OFFLINE = re.compile("ERR_INTERNET_DISCONNECTED|htmx:error: Failed to fetch|WebSocket connection to .* failed")

NOTHING = "about:blank"

# Few tests are about the service worker; in the others it would come between them and what they look at.
ORDINARY: dict[str, Any] = {"viewport": WIDE, "service_workers": "block"}
BLOCKED = "Service Worker registration blocked by Playwright"

TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`Content-Security-Policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`))"""


class Window:
    """One window of one person. `script=False` runs no JavaScript; other options are those of a Playwright context."""

    def __init__(self, browser: Browser, url: str, *, script: bool = True, **options: Any) -> None:
        self.url, self.script = url, script
        self.player: Player | None = None
        self.complaints: list[str] = []
        self.refusals: list[int] = []  # the statuses that this test has asked for, in so many words
        self.is_offline = False
        self.context = browser.new_context(java_script_enabled=script, **ORDINARY | options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page = self.new_page()
        self.size = self.page.viewport_size

    def begin(self, player: Player | None) -> None:
        """Let somebody sit down in front of it: nothing of whoever was here before is remembered."""
        self.player = player
        self.context.clear_cookies()
        if player is not None:
            self.context.add_cookies([{"name": "sid", "value": player.cookie, "url": self.url}])

    def end(self) -> list[str]:
        """Leave it as it was before, and say what went wrong in it."""
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        self.page.unroute_all()
        if self.is_offline:  # the test has failed in there
            self.context.set_offline(False)
            self.is_offline = False
        self._leave()
        self.page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
        if self.size is not None:
            self.page.set_viewport_size(self.size)
        memory = self.context.new_cdp_session(self.page)
        memory.send("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "all"})
        memory.detach()
        told, self.complaints, self.refusals = self.complaints, [], []
        return told

    def _leave(self) -> None:
        """Go to nowhere: a page may ask the server again by itself, and what is empty is cheaper to change.

        The page itself goes there. Sent there from outside, Chromium would begin a new process, and one more to return.
        """
        if self.page.url != NOTHING:
            self.page.evaluate("nowhere => { location.replace(nowhere); }", NOTHING)
            self.page.wait_for_url(NOTHING)

    def new_page(self) -> Page:
        """One more tab of the same person."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"An error in a script: {error}"))
        return page

    def at(self, path: str = "") -> str:
        """The whole address of a page of the person's organisation."""
        assert self.player is not None
        return f"{self.url}/o/{self.player.organisation.slug}{path}"

    def go(self, path: str) -> Page:
        """Type the address of a page of the organisation."""
        self.page.goto(self.at(path))
        return self.page

    @contextmanager
    def refusing(self, *statuses: int) -> Iterator[None]:
        """In this block the server is asked for what it has to refuse with each of these statuses."""
        self.refusals.extend(statuses)
        before = len(self.complaints)
        yield
        self.page.wait_for_load_state()
        assert not self.refusals, f"Never refused with {self.refusals}; {self.complaints[before:]}"

    @contextmanager
    def offline(self, *, network: bool = False) -> Iterator[None]:
        """In this block there is no network, or a part of the server is away, and the browser may say so."""
        self.is_offline = True
        self.context.set_offline(not network)
        yield
        self.context.set_offline(False)
        self.is_offline = False

    def _hear(self, message: ConsoleMessage) -> None:
        """What Chromium says by itself: of a request that the server refused, or that went to somebody else, too."""
        if message.type in ("error", "warning") and not self._is_asked_for(message.text):
            self.complaints.append(f"{message.type} on {message.location['url']}: {message.text}")

    def _is_asked_for(self, text: str) -> bool:
        if text == BLOCKED or (self.is_offline and OFFLINE.search(text)):
            return True
        refused = REFUSED.match(text)
        if refused is None or int(refused[1]) not in self.refusals:
            return False
        self.refusals.remove(int(refused[1]))
        return True


def heading(page: Page) -> Locator:
    """The one heading that says which page this is."""
    return page.get_by_role("heading", level=1)


def verdict(page: Page) -> Locator:
    """The panel of a certification that says whether the output may be acted on."""
    return page.get_by_role("region", name="Verdict")


def until(page: Page, expression: str) -> None:
    """Wait until JavaScript says so. (Playwright's own way of waiting needs `eval`, which our pages forbid.)"""
    deadline = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"Never true: {expression}"
        BREATH.wait(0.02)


def until_quiet(page: Page) -> None:
    """Wait until a page asks for nothing, and has not for longer than a part waits that was told of something."""
    ended = 'performance.getEntriesByType("resource").map((one) => one.responseEnd)'
    until(page, f'!document.querySelector(".htmx-request") && performance.now() - Math.max(...{ended}) > 1000')


class Held:
    """The next request for an address, which is on its way for as long as a test wants it to be."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._routes: list[Route] = []
        self._answer: APIResponse | None = None
        page.route(address, self._keep)

    def _keep(self, route: Route) -> None:
        if self._routes:
            route.fallback()
        else:
            self._routes.append(route)

    @property
    def route(self) -> Route:
        """The request, as soon as it was sent."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self._routes:
            self.page.evaluate("0")
            assert time.monotonic() < deadline, "It is not asked for."
        return self._routes[0]

    def answer(self) -> None:
        """Let the server do it; only its answer is still on its way."""
        self._answer = self.route.fetch()

    def let_go(self) -> None:
        """Let it go on, or let its answer come."""
        if self._answer is None:
            self.route.continue_()
        else:
            self.route.fulfill(response=self._answer)


def heard_out(page: Page) -> None:
    """Ask the server for something else, and so come after whatever was on its way to the page."""
    page.evaluate("fetch('/healthz').then(() => fetch('/healthz')).then(() => true)")
