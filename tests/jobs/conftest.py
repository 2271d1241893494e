"""The application as the clock sees it: its own role, its own connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.core.database import db, fresh_session
from tests.stage import Stage


@pytest.fixture(scope="session")
def clock_app(play_stage: Stage) -> Flask:
    """The application as the clock process runs it."""
    return create_app("clock", **play_stage.settings)


@pytest.fixture
def as_clock(clock_app: Flask) -> Iterator[None]:
    """Everything in the test runs as the clock."""
    with clock_app.app_context(), fresh_session():
        yield
        db.session.rollback()
