"""The product as production runs it, and the floor beside it, in a state folder that is thrown away."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.local import run
from app.local.console import Console
from app.local.embedded import Services, start_services
from app.local.environment import Address, environment_of, whole_environment
from app.local.home import ROOT, Home, LocalError
from app.local.ports import choose_port
from app.local.procfile import read_procfile
from app.local.readiness import ask, is_ready
from app.local.supervisor import Program, Supervisor
from app.local.testing import kept_from_tests, thrown_away_home
from benchmarks import machine
from benchmarks.processes import cpu_seconds

PATIENCE = 60.0  # seconds for the whole to be ready


@dataclass
class Stack:
    """What runs: the product's processes, the floor, PostgreSQL and Valkey, all under one supervisor."""

    supervisor: Supervisor
    home: Home
    services: Services
    address: Address
    whole: dict[str, str]
    floor_port: int
    logs: Path

    @property
    def workers(self) -> int:
        """How many gunicorn workers serve pages, for the product and for the floor."""
        return int(self.whole["WEB_CONCURRENCY"])

    @property
    def superuser_url(self) -> str:
        """The product's database as seen by the superuser, whom row security does not bind."""
        return self.services.urls["SUPERUSER_DATABASE_URL"]

    @property
    def settings(self) -> dict[str, str]:
        """What `create_app` needs to work in this process on the same data."""
        return {name.lower(): value for name, value in self.whole.items()} | {"log_level": "ERROR"}

    def connect(self) -> psycopg.Connection:
        """A connection as the superuser, committing each statement."""
        return psycopg.connect(self.superuser_url, autocommit=True)

    def start(self, process: str, command: str | None = None, **changed: str) -> None:
        """Start a process type of the Procfile, or `command` under its name; it writes its log to a file."""
        command = command or read_procfile()[process]
        line = f"exec {command} >>{shlex.quote(str(self.logs / process))} 2>&1"
        environment = {**environment_of(process, self.whole), **changed}
        self.supervisor.start(Program(process, lambda: ["/bin/sh", "-c", line], environment, ROOT))

    def stop(self, *processes: str) -> None:
        """Stop these processes."""
        for process in processes:
            self.supervisor.stop_one(process)

    def wait(self, until: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something is so. Raises LocalError, with the newest lines of the logs, when it takes too long."""
        if not self.supervisor.wait(until, seconds):
            raise LocalError(f"Waited {seconds:g} s in vain: {what}.\n{self._last_words()}")

    def cpu(self, process: str) -> float | None:
        """CPU seconds that a process and its children have used so far."""
        running = self.supervisor.units[process].process
        return cpu_seconds(running.pid) if running else None

    def pid(self, process: str) -> int:
        """The process that was started under this name."""
        running = self.supervisor.units[process].process
        assert running is not None, f"{process} does not run"
        return running.pid

    def _last_words(self) -> str:
        return "\n".join(
            f"{log.name}: {line}" for log in sorted(self.logs.iterdir()) for line in log.read_text().splitlines()[-5:]
        )


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """Make everything, migrated as in production, start it, and take all of it away again. Raises LocalError."""
    for name in list(os.environ):
        if kept_from_tests(name):
            del os.environ[name]  # what a developer has set for `make run` must not be measured, or written to
    os.environ.setdefault("WEB_CONCURRENCY", str(machine.cores()))
    for limit in ("RATE_PERSON", "RATE_KEY", "RATE_ADDRESS"):
        os.environ[limit] = str(10**9)  # counted as ever, but one person asks for all that there is to measure
    with thrown_away_home() as home, Supervisor(Console(only_own=True)) as supervisor:
        services = start_services(supervisor, home)
        try:
            stack = _stack(supervisor, home, services)
            run.release(supervisor, services, stack.whole)
            yield stack
        finally:
            supervisor.stop()
            if services.postgres and services.postgres.place != home.postgres:
                shutil.rmtree(services.postgres.place)


def start_everything(stack: Stack, tenant_id: str) -> None:
    """Start every process of the product, and the floor on the same rows with the same server settings."""
    processes = [name for name in read_procfile() if name != "release"]
    for process in processes:
        stack.start(process)
    floor = read_procfile()["web"].replace("wsgi:app", "benchmarks.floor:app")
    told = {"PORT": str(stack.floor_port), "FLOOR_DATABASE_URL": stack.superuser_url, "FLOOR_TENANT": tenant_id}
    stack.start("floor", floor, **told)
    stack.wait(lambda: is_ready(ask(stack.address)), "the product to be ready")
    stack.wait(lambda: answers(stack.floor_port), "the floor to answer")


def _stack(supervisor: Supervisor, home: Home, services: Services) -> Stack:
    port, live_port, floor_port = choose_port(), choose_port(), choose_port()
    address = Address(bind="127.0.0.1", port=port, live_port=live_port, url=f"http://127.0.0.1:{port}")
    logs = home.path / "logs"
    logs.mkdir()
    whole = whole_environment(home, address, services.urls)
    return Stack(supervisor, home, services, address, whole, floor_port, logs)


def answers(port: int, path: str = "/") -> bool:
    """Whether a server on this machine answers there with a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
