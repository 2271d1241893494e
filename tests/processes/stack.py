"""The whole product as processes of its own, on servers of its own: what may be killed here hurts no other test."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.rows import namedtuple_row
from redis import Redis

from app.local.environment import Address, whole_environment
from app.local.home import Home
from app.local.leftovers import clear_leftovers, processes_in
from app.local.lifeline import tied_to_this_process
from app.local.ports import choose_port
from app.local.postgres import Postgres
from app.local.procfile import program_of, read_procfile
from app.local.provision import make_roles_and_database, put_guards_up, role_urls
from app.local.supervisor import Program
from app.local.valkey import Valkey
from tests import stage
from tests.nursery import KINDS, Born, Nursery

PROCESSES = ("web", "worker", "signer", "clock")
PATIENCE = 90.0  # seconds; a machine that runs other tests as well may be slow


@dataclass
class Running:
    """A process of ours."""

    process: subprocess.Popen[bytes] | Born
    log: Path

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it, and what it has started, as a machine that fails would."""
        if self.is_alive:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Stack:
    """Servers and processes by name: `start("worker")`, `kill("worker")`; `worker-2` is a second worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home")
        self.home.make()
        self.postgres, self.valkey = Postgres(self.home), Valkey(self.home)
        self.running: dict[str, Running] = {}
        self._nursery = Nursery()
        self._starts = 0
        self._eye: psycopg.Connection[Any] | None = None
        self._take_keys()
        self.postgres.prepare()
        self.valkey.prepare()
        self.start_servers()
        self._make_database()
        urls = {**role_urls(self.home, self.postgres.url), "REDIS_URL": self.valkey.url}
        port = choose_port()
        self.address = Address("127.0.0.1", port, port, f"http://localhost:{port}")
        self.environment = whole_environment(self.home, self.address, urls) | {
            "WEB_CONCURRENCY": "1",
            **{name.upper(): str(limit) for name, limit in stage.UNLIMITED.items()},
        }

    # --- servers ---

    def start_servers(self) -> None:
        """Start PostgreSQL and Valkey unless they run, and return when they take connections."""
        if not self._runs("postgres"):
            soon(lambda: clear_leftovers(self.postgres.data), "the data directory is free")
            self._spawn("postgres", self.postgres.program())
        if not self._runs("valkey"):
            self._spawn("valkey", self.valkey.program())
        soon(self._takes_connections, "PostgreSQL takes connections")
        soon(self.valkey.is_ready, "Valkey answers")

    def kill_postgres(self) -> None:
        """End the server and all its children at once, as a machine that fails would."""
        for pid in processes_in(self.postgres.data):
            with contextlib.suppress(ProcessLookupError):  # without its parent a child soon ends by itself
                os.kill(pid, signal.SIGKILL)
        self.running.pop("postgres").process.wait(PATIENCE)
        self._eye = None

    @property
    def redis(self) -> Redis:
        """The Redis-protocol server."""
        return Redis.from_url(self.valkey.url)

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What a superuser sees in the database, on a connection that is opened again where the server has died."""
        if self._eye is None or self._eye.closed:
            url = self.postgres.url(database="oversing")
            self._eye = psycopg.connect(url, autocommit=True, row_factory=namedtuple_row)
        return self._eye.execute(query, values).fetchall()  # type: ignore[arg-type]

    # --- processes ---

    def make_whole(self) -> None:
        """Have one of each process, as the Procfile says, and no other."""
        self.start_servers()
        for name in set(self.running) - {*PROCESSES, "postgres", "valkey"}:
            self.kill(name)
        for name in PROCESSES:
            if not self._runs(name):
                self.start(name)
        soon(self._answers, "the web process answers")

    def start(self, name: str, **environment: str) -> Running:
        """Start a process as the Procfile says, with more in its environment."""
        kind = name.partition("-")[0]
        program = program_of(kind, read_procfile()[kind], self.environment)
        program.environment |= environment
        if kind not in KINDS:
            return self._spawn(name, program)
        log = self._new_log(name)
        self.running[name] = Running(self._nursery.start(kind, program.environment, log), log)
        return self.running[name]

    def kill(self, name: str) -> None:
        """End a process, and what it has started, as a machine that fails would."""
        self.running.pop(name).kill()

    def stop(self) -> None:
        """End everything."""
        for name in [each for each in self.running if each not in ("postgres", "valkey")]:
            self.kill(name)
        if self._runs("postgres"):
            self.kill_postgres()
        if self._runs("valkey"):
            self.kill("valkey")
        self._nursery.close()

    def settings(self) -> dict[str, Any]:
        """What `create_app` needs to see this stack from the test."""
        told = {name.lower(): value for name, value in self.environment.items() if name.lower() in stage_settings()}
        return told | {"log_level": "ERROR"}

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request to the web process. Raises OSError or HTTPException where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.address.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/json"
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"Host": self.address.host, **named}
            )
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def ready(self) -> dict[str, Any]:
        """What /readyz says, with its status code."""
        answer = self.request("GET", "/readyz")
        return answer.json | {"code": answer.status}

    # --- within ---

    def _take_keys(self) -> None:
        """The keys of the test run: making new ones takes seconds."""
        made = stage.home_of_run()
        shutil.copy2(made / "sealing.key", self.home.secrets / "sealing.key")
        shutil.copy2(made / "passphrase", self.home.secrets / "signing.passphrase")
        shutil.copytree(made / "signing-keys", self.home.signing_keys, dirs_exist_ok=True)
        shutil.copy2(made / "trust-root.json", self.home.trust_root)

    def _make_database(self) -> None:
        make_roles_and_database(self.home, self.postgres.url())
        config = Config()
        config.set_main_option("script_location", str(stage.ROOT / "migrations"))
        urls = role_urls(self.home, self.postgres.url)
        config.attributes["url"] = urls["MIGRATION_DATABASE_URL"]
        command.upgrade(config, "head")
        put_guards_up(self.postgres.url(database="oversing"))

    def _runs(self, name: str) -> bool:
        return name in self.running and self.running[name].is_alive

    def _takes_connections(self) -> bool:
        try:
            psycopg.connect(self.postgres.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _spawn(self, name: str, program: Program) -> Running:
        log = self._new_log(name)
        with log.open("wb") as output:
            process = subprocess.Popen(
                program.command(), cwd=program.cwd, env=program.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=tied_to_this_process(signal.SIGKILL),  # noqa: PLW1509 it only asks the kernel for a favour
                **(program.account.switch if program.account else {}),
            )  # fmt: skip
        self.running[name] = Running(process, log)
        return self.running[name]

    def _new_log(self, name: str) -> Path:
        self._starts += 1
        return self.folder / f"{self._starts:03}-{name}.log"


@dataclass(frozen=True)
class Answer:
    """What the web process answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


def stage_settings() -> set[str]:
    """The names that settings have."""
    from app.config import Settings  # noqa: PLC0415

    return set(Settings.model_fields)


def soon(look: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """What `look` sees, as soon as it sees something. Fails, saying what did not happen, after so many seconds."""
    patience, deadline = threading.Event(), time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        patience.wait(0.1)
    return seen
