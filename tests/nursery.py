"""Where workers, signers and clocks are born with all of their code loaded, in a fiftieth of the time.

To load it takes a second of a processor, and tests start these processes some forty times. They fork from one that has
loaded the code and done nothing else, and go on from there as `python -m app.jobs` does. That the lines of the Procfile
start them as well is seen by the tests of `make run` (tests/processes/test_run.py).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from app.local.lifeline import tied_to_this_process

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("worker", "signer", "clock")
BREATH = threading.Event()  # nobody sets it


class Nursery:
    """One process that has the code, and starts as many as it is asked for. They end with it."""

    def __init__(self) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.nursery"],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
            preexec_fn=tied_to_this_process(signal.SIGKILL),  # noqa: PLW1509 it only asks the kernel for a favour
        )

    def start(self, kind: str, environment: dict[str, str], log: Path) -> Born:
        """Start a process of this kind, as the leader of a group of its own; what it says is added to the log."""
        return Born(self, self.ask({"start": kind, "environment": environment, "log": str(log)}))

    def ask(self, told: dict[str, Any]) -> Any:
        """What the keeper answers."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(json.dumps(told) + "\n")
        return json.loads(self._keeper.stdout.readline())

    def close(self) -> None:
        """End it, and all that have not ended yet."""
        self._keeper.kill()
        self._keeper.communicate()


class Born:
    """A process that was started there, as `subprocess.Popen` shows one."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        """How it has ended: its exit code, or the signal below zero; nothing while it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask({"look": self.pid})
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        """How it has ended, once it has. Raises TimeoutExpired when it does not within so many seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            BREATH.wait(0.02)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def keep() -> None:
    """Do what is asked for, line by line, until nobody asks any more. In a child it returns when that has worked."""
    from app.jobs.__main__ import main  # noqa: PLC0415 whoever only asks for processes need not load it

    assert threading.active_count() == 1, "A thread would not be there after a fork."
    gc.collect()
    gc.freeze()  # a collection in a child would copy all that it shares with the others
    for line in sys.stdin:
        told = json.loads(line)
        if "look" in told:
            pid, status = os.waitpid(told["look"], os.WNOHANG)
            _answer(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        tie = tied_to_this_process(signal.SIGKILL)
        if pid := os.fork():
            _answer(pid)
            continue
        if tie is not None:
            tie()
        _leave_home(told["environment"], told["log"])
        main(told["start"])
        return


def _answer(told: int | None) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _leave_home(environment: dict[str, str], log: str) -> None:
    """Have what a process has that was started from outside: a group, an environment, nothing to read, its own log."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    nothing, written = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for place, behind in enumerate((nothing, written, written)):
        os.dup2(behind, place)


if __name__ == "__main__":
    keep()
