"""`make test`: the whole suite against PostgreSQL and Valkey of its own, in a state folder that is thrown away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.local.chromium import find_or_install, without_windows
from app.local.console import Console
from app.local.embedded import start_postgres, start_valkey
from app.local.home import ROOT, Home
from app.local.lifeline import tied_to_this_process
from app.local.supervisor import StopRequestedError, Supervisor

LEAST_WORKERS, MOST_WORKERS = 2, 8
PATIENCE = 60.0  # seconds for pytest to clean up when it is interrupted

# What a developer has set for `make run` must not reach the tests.
NOT_FOR_TESTS = ("DATABASE_URL", "REDIS_URL", "BASE_URL", "SEALING_KEY_FILE", "SIGNING_", "TRUST_ROOT_FILE", "PG")


def run_tests(arguments: list[str]) -> int:
    """Run pytest with these arguments and return its exit code. Raises LocalError when something is missing."""
    chromium = find_or_install()
    with thrown_away_home() as home, Supervisor(Console(only_own=True)) as supervisor:
        postgres = start_postgres(supervisor, home)
        try:
            environment = {
                **{name: value for name, value in os.environ.items() if not kept_from_tests(name)},
                "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "OVERSING_HOME": str(home.path),
                "TEST_SUPERUSER_URL": postgres.url(),
                "REDIS_URL": start_valkey(supervisor, home).url,
                "CHROMIUM": chromium,
                "CHROMIUM_SHELL": without_windows(chromium),
            }
            workers = min(max(LEAST_WORKERS, os.cpu_count() or 1), MOST_WORKERS)
            # A file stays on one worker, so that what it starts once serves all of its tests.
            dealt_out = [f"--numprocesses={workers}", "--dist=loadfile", "--no-loadscope-reorder"]
            return pytest(supervisor, [*dealt_out, *arguments], environment)
        finally:
            supervisor.stop()
            if postgres.place != home.postgres:
                shutil.rmtree(postgres.place)


def kept_from_tests(name: str) -> bool:
    """Tell whether a variable belongs to a running product, not to the tests."""
    return name.startswith(NOT_FOR_TESTS) or name.endswith("_DATABASE_URL")


def pytest(supervisor: Supervisor, arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest in the foreground, while the servers are watched over, and return its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment,
        preexec_fn=tied_to_this_process(signal.SIGTERM),  # noqa: PLW1509 this process has one thread
    )  # fmt: skip
    try:
        supervisor.wait(lambda: process.poll() is not None, float("inf"))
    except StopRequestedError:
        if supervisor.stopped_by != signal.SIGINT:  # a terminal sends Ctrl-C to pytest as well
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        raise
    return process.returncode


@contextlib.contextmanager
def thrown_away_home() -> Iterator[Home]:
    """Make a state folder that any account can pass through, and take it away at the end."""
    with tempfile.TemporaryDirectory(prefix="oversing-test-") as folder:
        home = Home(Path(folder) / "home")
        Path(folder).chmod(0o711)
        home.make()
        yield home
