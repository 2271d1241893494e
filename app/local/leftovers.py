"""Take away what a PostgreSQL that died too suddenly has left: children without a parent, and its pid file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 10.0  # seconds for a server to stop by itself, and again for its orphans, before it is made to

_asked: dict[Path, float] = {}


def clear_leftovers(data: Path) -> bool:
    """Bring a new start in this data directory closer; True when nothing stands in its way any more.

    Call it again until it is true. A server that still runs here was left by a supervisor that was killed: it is asked
    to stop. Children whose server was killed hold its shared memory, and no server could start: they go too.
    """
    if processes := processes_in(data):
        waited = time.monotonic() - _asked.setdefault(data, time.monotonic())
        server = server_pid(data)
        for pid in processes:
            send(pid, signal_for(waited, is_server=pid == server, orphaned=server not in processes))
        return False
    _asked.pop(data, None)
    (data / "postmaster.pid").unlink(
        missing_ok=True
    )  # its process is gone, and its number may belong to another one now
    return True


def signal_for(waited: float, *, is_server: bool, orphaned: bool) -> signal.Signals | None:
    """Return what to send: the server is asked before it is killed; its children only when they have no server."""
    if is_server:
        return signal.SIGINT if waited < PATIENCE else signal.SIGQUIT if waited < 2 * PATIENCE else signal.SIGKILL
    if orphaned:
        return signal.SIGQUIT if waited < PATIENCE else signal.SIGKILL
    return None


def send(pid: int, number: signal.Signals | None) -> None:
    """Send a signal, if there is one to send and somebody to get it."""
    if number is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def server_pid(data: Path) -> int | None:
    """Return the process that the pid file names, or None."""
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def processes_in(data: Path) -> list[int]:
    """Return the PostgreSQL processes that work in this data directory: every one of them makes it its own folder."""
    if sys.platform != "linux":
        return [pid] if (pid := server_pid(data)) and is_postgres(pid) else []
    found, folder = [], data.resolve()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink() == folder and "postgres" in (process / "cmdline").read_text():
                    found.append(int(process.name))
    return found


def is_postgres(pid: int) -> bool:
    """Ask `ps` whether this process is a PostgreSQL server, where there is no /proc."""
    said = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return "postgres" in said
