"""`make run` as a newcomer sees it: the whole product started, wounded, asked, and stopped. The tests are one story."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.home import ROOT
from app.local.ports import choose_port, is_free
from app.local.provision import ROLES
from tests.local.conftest import is_alive, until
from tests.stage import UNLIMITED

PROCESSES = {
    "web": "wsgi:app",
    "live": '"live"',
    "worker": "jobs worker",
    "signer": "jobs signer",
    "clock": "jobs clock",
}


def command_of(pid: str) -> str:
    """The command line of a process; nothing for one that has ended since it was listed."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


class Stack:
    """A product in a state folder of its own, and what it writes to the terminal."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "state of things"
        self.terminal = folder / "terminal.txt"
        self.port = next(port for port in iter(choose_port, None) if is_free(port + 1))
        told_elsewhere = (*ROLES, "REDIS_URL", "BASE_URL", "BIND", "LIVE_PORT", "SEALING_KEY_FILE")
        kept = {name: value for name, value in os.environ.items() if name not in told_elsewhere}
        unlimited = {name.upper(): str(limit) for name, limit in UNLIMITED.items()}
        self.environment = {**kept, **unlimited, "PORT": str(self.port), "OVERSING_HOME": str(self.home)}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "app.local", "run"]

    @property
    def words(self) -> str:
        return self.terminal.read_text()

    def start(self) -> None:
        with self.terminal.open("wb") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        until(lambda: "is ready after" in self.words or self.process.poll() is not None, "ready", 120)
        assert self.process.poll() is None, self.words

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(60)

    def ask(self) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
            return json.load(answer)

    def is_ready(self) -> bool:
        try:
            return self.ask()["status"] == "ready"
        except OSError:
            return False

    def pids(self) -> dict[str, int]:
        """The processes that the supervisor has started itself, by type."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        lines = {int(pid): command_of(pid) for pid in children}
        known = {**PROCESSES, "postgres": "bin/postgres -D", "valkey": "valkey-server"}
        return {name: pid for name, sign in known.items() for pid, line in lines.items() if sign in line}

    def seconds_of_work(self) -> float:
        """What all processes have computed so far; other than the clock on the wall it knows no other load."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.family()]
        return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")

    def family(self) -> list[int]:
        """Every process that descends from the supervisor."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="oversing run ") as folder:
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder))
        stack.start()
        yield stack
        if stack.process and stack.process.poll() is None:
            stack.stop()


def test_it_says_where_it_is_and_how_to_sign_in(stack):
    assert "is ready after" in stack.words
    assert f"http://localhost:{stack.port}" in stack.words
    assert f"Sign in as alice@acme.example; the password is in {stack.home / 'demo.json'}" in stack.words
    assert {name for name, part in stack.ask()["parts"].items() if part["ready"]} == {
        "database", "migrations", "redis", "worker", "signer", "clock", "live", "guards",
    }  # fmt: skip


def test_the_demo_cast_can_be_read_by_its_owner_only(stack):
    demo = stack.home / "demo.json"
    assert stat.S_IMODE(demo.stat().st_mode) == 0o600
    told = json.loads(demo.read_text())
    cast = {tenant["slug"]: {user["email"]: user["role"] for user in tenant["users"]} for tenant in told["tenants"]}
    assert cast == {
        "acme": {
            "alice@acme.example": "owner",
            "bob@acme.example": "member",
            "carol@acme.example": "viewer",
            "dave@acme.example": "admin",
            "erin@acme.example": "manager",
            "frank@acme.example": "reviewer",
            "grace@acme.example": "auditor",
            "heidi@acme.example": "guest",
        },
        "globex": {"mallory@globex.example": "owner"},
    }
    assert told["url"] == f"http://localhost:{stack.port}"
    passwords = [user["password"] for tenant in told["tenants"] for user in tenant["users"]]
    assert not [password for password in passwords if password in stack.words]


def test_no_secret_of_another_process_is_in_an_environment(stack):
    pids = stack.pids()
    assert {"web", "signer"} <= pids.keys()
    for name, pid in pids.items():
        told = {line.partition("=")[0] for line in Path(f"/proc/{pid}/environ").read_text().split("\0")}
        assert "SUPERUSER_DATABASE_URL" not in told
        assert "MIGRATION_DATABASE_URL" not in told
        assert ("SIGNING_PASSPHRASE_FILE" in told) == (name == "signer"), name


def test_a_second_start_says_that_it_runs_already_and_where(stack):
    second = subprocess.run(
        stack.command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 0
    assert f"Oversing runs already: http://localhost:{stack.port}" in second.stdout
    assert stack.is_ready()


@pytest.mark.parametrize("name", [*PROCESSES, "valkey", "postgres"])
def test_a_crashed_process_is_started_again_and_the_others_live_on(stack, name):
    until(lambda: set(stack.pids()) == {*PROCESSES, "valkey", "postgres"}, "every process runs")
    before, deaths = stack.pids(), stack.words.count("starting it again")
    os.kill(before[name], signal.SIGKILL)
    until(lambda: stack.pids().get(name, before[name]) != before[name], f"another {name}", 60)
    until(stack.is_ready, "every part is ready again", 60)
    after = stack.pids()
    assert {other: pid for other, pid in after.items() if other != name} == {
        other: pid for other, pid in before.items() if other != name
    }
    assert f"{name} was killed by SIGKILL; starting it again" in stack.words
    assert stack.words.count("starting it again") == deaths + 1, stack.words


def test_ctrl_c_leaves_no_process_behind(stack):
    family = stack.family()
    assert len(family) > 10
    assert stack.stop(signal.SIGINT) == 0
    until(lambda: not any(is_alive(pid) for pid in family), "everything is gone")
    assert "stopped; nothing is left running" in stack.words
    assert is_free(stack.port)
    assert not (stack.home / "runtime.json").exists()


def test_a_second_start_is_fast_and_makes_no_data_again(stack):
    demo = (stack.home / "demo.json").read_text()
    stack.start()
    assert stack.seconds_of_work() < 2 * 10, "ten seconds on two idle cores"
    assert "making demo data" not in stack.words
    assert "bringing the database up to date" not in stack.words
    assert (stack.home / "demo.json").read_text() == demo


def test_nothing_survives_a_supervisor_that_is_killed_and_the_next_start_works(stack):
    family = stack.family()
    stack.stop(signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in family), "everything is gone", 40)
    stack.start()
    assert stack.is_ready()
    assert stack.stop(signal.SIGTERM) == 0


def test_a_taken_port_is_named_with_another_one_to_choose(stack):
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", stack.port))
        stranger.listen()
        done = subprocess.run(
            stack.command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"Port {stack.port} is taken by another program" in done.stderr
