"""What the security tests share: a running server, and two organisations that are made once a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask

from app.core import valkey
from app.core.database import fresh_session
from tests.cast import Player
from tests.security import server as servers
from tests.security import world as worlds
from tests.security.lines import Line, corner_of
from tests.stage import Stage


@pytest.fixture(scope="session")
def server(play_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """gunicorn on this worker's stage. Tests that use it belong to the group "server", so that one is enough."""
    with servers.running(play_stage, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def world(web_app: Flask) -> worlds.World:
    """acme, full of things, and globex. Tests read them, or make things of their own in them."""
    with web_app.app_context(), fresh_session():
        return worlds.build(web_app)


@pytest.fixture(scope="session")
def live(play_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """The live process. It looks at sockets by itself only long after the test: all it knows, it was told."""
    corner, folder = corner_of(play_stage), tmp_path_factory.mktemp("live")
    with servers.running(play_stage, folder, kind="live", REDIS_URL=corner, LIVE_RECHECK_SECONDS="3600") as running:
        yield running


@pytest.fixture
def within_earshot(play_stage: Stage) -> Iterator[None]:
    """Say everything where the live process listens."""
    valkey.configure(corner_of(play_stage))
    yield
    valkey.configure(play_stage.redis_url)


@pytest.fixture
def line(live: servers.Server) -> Iterator[Callable[..., Line]]:
    """Opens sockets of people in their organisation; they are hung up after the test."""
    with ExitStack() as stack:

        def open_line(player: Player, *channels: str, **more: str) -> Line:
            found = Line.of(live, player.cookie, player.organisation.slug)
            stack.enter_context(closing(found.connection))
            for channel in channels:
                assert found.follow(channel, **more) == "subscribed"
            return found

        yield open_line
