"""What every test may ask for."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import event
from xdist.scheduler import LoadFileScheduling

from app import create_app
from app.core import common_passwords, passwords
from app.core.database import db, fresh_session
from app.jobs import key_ring
from tests import cast, stage
from tests.doors import Browser, Form, Htmx, Json

# What these folders start is dear: all of their tests stay on one worker.
TOGETHER = ("tests/browser/", "tests/processes/")
# What these files talk to is one live process, started once: they stay together as well.
LIVE = ("tests/security/test_live", "tests/security/test_presence.py", "tests/security/test_sockets_end.py")
# What looks for words in every row of a database begins while there are few.
SEARCHING = ("tests/blueprints/test_content_is_sealed.py", "tests/core/test_audit_canaries.py")
# What takes long by itself begins first, so that no worker is left alone with it at the end.
FIRST = (*TOGETHER, *SEARCHING, *LIVE, "tests/local/", "tests/jobs/test_audit_verify.py", "tests/security/test_fuzz.py")

HASHER = passwords._hasher  # as the product hashes

# The same examples each time, however slow a machine is: a suite that is green for one person is green for the next.
settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


class ByFile(LoadFileScheduling):
    """A file stays on one worker, so that what it starts once serves all of its tests; and so do some folders."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(LIVE):
            return "live"
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How tests are dealt out to the workers."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long before everything else. Each worker does it alike."""
    items.sort(key=lambda item: next((n for n, place in enumerate(FIRST) if item.nodeid.startswith(place)), len(FIRST)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """The controller builds the stage before any worker starts."""
    gc.disable()  # thousands of tests are about to be made, and none of them is garbage
    if hasattr(session.config, "workerinput"):
        return
    missing = [name for name in ("TEST_SUPERUSER_URL", "REDIS_URL", "OVERSING_HOME") if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"{', '.join(missing)} not set. Run the tests with: make test")
    stage.build()


def pytest_collection_finish() -> None:
    """Spare the collector from looking through all tests again and again: they stay until the end."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The controller clears the stage away after the last worker."""
    if not hasattr(session.config, "workerinput") and stage.RUN in os.environ:
        stage.tear_down()


@pytest.fixture(scope="session", autouse=True)
def one_hash_of_the_password() -> None:
    """Hash the one password of the whole cast once: really, but not anew for each of thousands of people.

    And cheaply, as hundreds of them sign in: what the product asks of a hash is tried in tests/core/test_passwords.py.
    Nor is it guessed at for each of them, as it tells nothing of anybody.
    """
    judged = common_passwords.is_easily_guessed
    common_passwords.is_easily_guessed = lambda word, about=(): word != cast.PASSWORD and judged(word, about)
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords.hash_password = functools.cache(passwords.hash_password)


@pytest.fixture(scope="session")
def play_stage(worker_id: str) -> stage.Stage:
    """This worker's own database and its corner of Valkey."""
    number = 1 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1
    return stage.Stage(stage.copy(f"play_{worker_id}"), number)


@pytest.fixture(scope="session")
def web_app(play_stage: stage.Stage) -> Flask:
    """The application as the web process runs it, as the app's own database role."""
    app = create_app("web", **play_stage.settings)
    app.test_client_class = Browser
    key_ring.open_keys(app.config["SETTINGS"])
    with app.app_context(), fresh_session():
        cast.learn()
    return app


@pytest.fixture
def app(web_app: Flask) -> Iterator[Flask]:
    """The application, with a database session of this test's own."""
    with web_app.app_context(), fresh_session():
        yield web_app
        cast.afresh()


@pytest.fixture
def acme(app: Flask) -> cast.Organisation:
    """An organisation of this test's own."""
    return cast.found("acme")


@pytest.fixture
def alice(acme: cast.Organisation) -> cast.Player:
    """The owner of acme."""
    return cast.join(acme, "alice")


@pytest.fixture
def bob(acme: cast.Organisation) -> cast.Player:
    """A member of acme."""
    return cast.join(acme, "bob")


@pytest.fixture
def carol(acme: cast.Organisation) -> cast.Player:
    """A viewer of acme."""
    return cast.join(acme, "carol")


@pytest.fixture
def mallory(app: Flask) -> cast.Player:
    """The owner of another organisation."""
    return cast.join(cast.found("globex"), "mallory")


@pytest.fixture
def form(web_app: Flask) -> Callable[[Any], Form]:
    """The door of plain forms."""
    return lambda player: Form(web_app.test_client(), player)


@pytest.fixture
def htmx(web_app: Flask) -> Callable[[Any], Htmx]:
    """The door of htmx."""
    return lambda player: Htmx(web_app.test_client(), player)


@pytest.fixture
def api(web_app: Flask) -> Callable[[Any], Json]:
    """The door of programs."""
    return lambda player: Json(web_app.test_client(), player)


@pytest.fixture(params=["form", "htmx", "json"])
def door(request: pytest.FixtureRequest, web_app: Flask) -> Callable[[Any], Any]:
    """Each door in turn: what is asserted must hold through all of them."""
    kind = {"form": Form, "htmx": Htmx, "json": Json}[request.param]
    return lambda player: kind(web_app.test_client(), player)


@pytest.fixture
def count_queries(app: Flask) -> Callable[[Callable[[], Any]], int]:
    """How many statements a request sends to the database."""

    def count(act: Callable[[], Any]) -> int:
        seen: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            act()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    return count
