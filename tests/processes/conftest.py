"""One stack for all tests of this folder; they run in one worker of the test run, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.core import valkey
from app.core.database import fresh_session
from app.queries import trust
from tests import cast
from tests.processes.customers import Customer
from tests.processes.product import Product
from tests.processes.stack import Stack
from tests.stage import Stage

_slugs = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes are dear: they are started once, in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.fixture(scope="session")
def running_stack(play_stage: Stage, web_app: Flask) -> Iterator[tuple[Stack, Flask]]:
    """Servers and processes, and the application in this process on the same database."""
    with tempfile.TemporaryDirectory(prefix="oversing processes ") as folder:
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder))
        try:
            app = create_app("web", **stack.settings())
            _back_to(play_stage)
            yield stack, app
        finally:
            stack.stop()


@pytest.fixture(scope="session")
def started() -> Iterator[Product]:
    """What `make run` starts, once for all that look at it."""
    with tempfile.TemporaryDirectory(prefix="oversing run ") as folder:
        Path(folder).chmod(0o711)
        product = Product(Path(folder))
        product.start()
        yield product
        if product.process and product.process.poll() is None:
            product.stop()


@pytest.fixture
def stack(running_stack: tuple[Stack, Flask]) -> Stack:
    """The stack, whole: whatever a test before has killed runs again."""
    running_stack[0].make_whole()
    return running_stack[0]


@pytest.fixture
def product(running_stack: tuple[Stack, Flask]) -> Flask:
    """The application on the stack's database, for looking."""
    return running_stack[1]


@pytest.fixture
def customer(stack: Stack, product: Flask, play_stage: Stage) -> Callable[[], Customer]:
    """A program of a new organisation."""

    def found() -> Customer:
        with product.app_context(), fresh_session():
            valkey.configure(stack.valkey.url)
            try:
                player = cast.play(cast.found("acme"), "alice")
                assert player.api_key
                assert player.cookie
            finally:
                _back_to(play_stage)
        return Customer(stack, player)

    return found


def _back_to(play_stage: Stage) -> None:
    """What a process has one of is again that of the other tests in this one."""
    valkey.configure(play_stage.redis_url)
    trust.configure(Path(str(play_stage.settings["trust_root_file"])))
