"""What the security tests share: a running server, and two organisations that are made once a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.database import fresh_session
from tests.security import server as servers
from tests.security import world as worlds
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
