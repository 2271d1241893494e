"""One Chromium, and the whole product behind it: web, worker, signer and clock on a database of their own."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect, sync_playwright

from app import create_app
from app.core import valkey
from app.core.database import fresh_session
from app.jobs import key_ring
from tests import cast, stage
from tests.browser.scene import Scene
from tests.browser.windows import PATIENCE, Window
from tests.cast import Player
from tests.running import Processes, running

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",  # nobody else can be asked, and the console says so
    "--js-flags=--no-turbofan --no-maglev",  # no page of a test stays long enough to pay back what these compile
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder can be chosen, or left out, by a mark."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser_stage(worker_id: str) -> stage.Stage:
    """A database that nobody else works in: a real worker would take the work of other tests out of their hands."""
    number = 8 if worker_id == "master" else 9 + int(worker_id.removeprefix("gw"))
    return stage.Stage(stage.copy(f"browser_{worker_id}"), number)


@pytest.fixture(scope="package")
def web_app(browser_stage: stage.Stage, play_stage: stage.Stage) -> Iterator[Flask]:
    """The application through which tests prepare what a person then sees. Its own Valkey stays that of other tests."""
    app = create_app("web", **browser_stage.settings | {"redis_url": play_stage.redis_url})
    key_ring.open_keys(app.config["SETTINGS"])
    with app.app_context(), fresh_session():
        cast.learn()
    return app


@pytest.fixture(scope="package")
def product(browser_stage: stage.Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Everything that runs."""
    folder, sent = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("mail")
    with running(browser_stage, folder, "web", "live", "worker", "signer", "clock", MAIL_FOLDER=str(sent)) as processes:
        yield processes


@pytest.fixture(scope="package")
def chromium(product: Processes) -> Iterator[Browser]:
    """The browser, without windows around its pages where there is such a one."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM_SHELL"], args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def whole_chromium(chromium: Browser) -> Iterator[Browser]:
    """The browser as people have it, for what that one alone can judge."""
    if os.environ["CHROMIUM"] == os.environ["CHROMIUM_SHELL"]:
        yield chromium
        return
    browser = chromium.browser_type.launch(executable_path=os.environ["CHROMIUM"], args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def idle_windows(chromium: Browser) -> Iterator[dict[str, list[Window]]]:
    """Windows that nobody uses just now, by their options. To open one costs Chromium more than most tests."""
    idle: dict[str, list[Window]] = defaultdict(list)
    yield idle
    for window in itertools.chain(*idle.values()):
        window.context.close()


@pytest.fixture
def visit(
    app: Flask, chromium: Browser, product: Processes, idle_windows: dict[str, list[Window]]
) -> Iterator[Callable[..., Window]]:
    """Open a window, for somebody who is signed in or for nobody. Whatever goes wrong in it fails the test."""
    used: list[tuple[str, Window]] = []

    def open_window(player: Player | None = None, **options: object) -> Window:
        kind = str(options)
        window = idle_windows[kind].pop() if idle_windows[kind] else Window(chromium, product.url, **options)
        used.append((kind, window))
        window.begin(player)
        return window

    written = len(product.log("web"))
    yield open_window
    complaints = []
    for kind, window in used:
        complaints += window.end()
        idle_windows[kind].append(window)
    product.check()
    assert not complaints, "\n".join(complaints)
    assert product.log("web")[written:] == "", "The web process logged an error."


@pytest.fixture
def within_earshot(browser_stage: stage.Stage, play_stage: stage.Stage) -> Iterator[None]:
    """Say what a test does where the live process of the browser tests listens."""
    valkey.configure(browser_stage.redis_url)
    yield
    valkey.configure(play_stage.redis_url)


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs JavaScript: what is asserted must hold both ways."""
    return bool(request.param)


@pytest.fixture(scope="package")
def scene(web_app: Flask, product: Processes) -> Scene:
    """An organisation in which everything can be seen: made once, looked at by many, changed by nobody."""
    with web_app.app_context(), fresh_session():
        return Scene.built()
