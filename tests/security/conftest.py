"""What the security tests share: a running server, and two organisations that are made once a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from flask import Flask

from app.core import valkey
from app.core.database import fresh_session
from app.core.errors import DomainError
from tests.cast import Player, afresh
from tests.security import server as servers
from tests.security import world as worlds
from tests.security.lines import Line, corner_of
from tests.stage import Stage
from tests.trail import await_in_line, be_patient


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


@pytest.fixture
def one_after_another(web_app: Flask, play_stage: Stage) -> Callable[..., list[str]]:
    """Does things that all wait for a row which somebody holds, and then go on in their order; what became of each."""

    def run(act: Callable[[], Any]) -> str:
        with web_app.app_context(), fresh_session():
            be_patient()
            try:
                act()
            except DomainError as refused:
                return type(refused).__name__
            return "done"

    def all_of(held: str, key: list[Any], *acts: Callable[[], Any]) -> list[str]:
        with psycopg.connect(play_stage.url("superuser")) as holder, ThreadPoolExecutor(len(acts)) as pool:
            holder.execute(f"SELECT FROM {held} FOR UPDATE", key)
            sent = []
            for how_many, act in enumerate(acts, start=1):
                sent.append(pool.submit(run, act))
                await_in_line(how_many)
            holder.rollback()
            told = [each.result() for each in sent]
        afresh()
        return told

    return all_of
