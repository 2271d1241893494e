"""A state folder, a console and a supervisor for each test; real servers, real processes."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.local.console import Console
from app.local.home import Home
from app.local.supervisor import Supervisor
from tests.running import BREATH


def until(happened: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Return as soon as it happened; fail when it has not after so many seconds."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        BREATH.wait(0.1)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs. One that nobody has buried yet is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with spaces in its name that any account may pass through: root starts PostgreSQL for somebody else."""
    with tempfile.TemporaryDirectory(prefix="oversing local ") as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture
def home(folder: Path) -> Home:
    home = Home(folder / "state of things")
    home.make()
    return home


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(screen: io.StringIO) -> Iterator[Supervisor]:
    with Supervisor(Console(screen)) as supervisor:
        yield supervisor
