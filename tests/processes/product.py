"""What `make run` starts in an empty state folder: the whole product, its servers, and who watches over them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from app.local.home import ROOT
from app.local.ports import choose_port, is_free
from app.local.provision import ROLES
from tests.local.conftest import until
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


class Product:
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

    def url_of(self, name: str) -> str:
        """Where one of its servers is, and as whom to ask it: DATABASE_URL, REDIS_URL, ..."""
        return str(json.loads((self.home / "runtime.json").read_text())["urls"][name])

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

    @contextlib.contextmanager
    def crash_of(self, name: str) -> Iterator[None]:
        """Kill a process as a crash would: the supervisor starts it again, says so once, and the others live on."""
        until(lambda: set(self.pids()) == {*PROCESSES, "valkey", "postgres"}, "every process runs", 60)
        before, deaths = self.pids(), self.words.count("starting it again")
        os.kill(before[name], signal.SIGKILL)
        until(lambda: self.pids().get(name, before[name]) != before[name], f"another {name}", 60)
        yield
        others = {other: pid for other, pid in before.items() if other != name}
        assert {other: pid for other, pid in self.pids().items() if other != name} == others
        assert f"{name} was killed by SIGKILL; starting it again" in self.words
        assert self.words.count("starting it again") == deaths + 1, self.words

    def seconds_of_work(self) -> float:
        """What all processes have computed so far; other than the clock on the wall it knows no other load."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.family()]
        return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")

    def family(self) -> list[int]:
        """Every process that descends from the supervisor."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(FileNotFoundError):  # it has ended since it was listed
                found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found
