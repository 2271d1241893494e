"""Keep a handful of programs alive, show what they write, and leave none behind.

One thread, one loop: programs are started, their lines are read, the dead are seen and started again after a pause that
grows. Why not honcho: docs/decisions/0002-supervisor.md.

Nothing survives the supervisor. When it is asked to stop it stops every program in order; when it is killed the kernel
sends each program its own stop signal (on Linux).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from app.local.accounts import Account
from app.local.console import Console
from app.local.lifeline import tied_to_this_process

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0  # seconds before a dead program is started again; doubled each time
STEADY = 30.0  # seconds after which a program counts as well, and its next pause is short again
LOOK_AGAIN = 0.05  # seconds between two questions whether a program may start already
CANNOT_EXECUTE = 126
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(Exception):
    """Somebody wants everything to stop: Ctrl-C, SIGTERM, or the terminal is gone."""


@dataclass
class Program:
    """Something to keep running.

    `command` and `may_start` are asked again before each start, so a restart may differ from the first start.
    Programs of a higher `layer` are stopped before those of a lower one.
    """

    name: str
    command: Callable[[], list[str]]
    environment: dict[str, str]
    cwd: Path = Path("/")
    layer: int = 2
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 25.0  # seconds to stop in, before it is killed
    restarts: bool = True
    may_start: Callable[[], bool] = lambda: True


@dataclass
class Unit:
    """A program, and how it fares."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    due: float | None = None  # when to start it, on the monotonic clock; None: not before something happens
    started: float = 0.0
    deaths: int = 0
    pause: float = FIRST_PAUSE
    exit_code: int | None = None


@dataclass
class Stream:
    """The output of one started program. It may outlive the program in the hands of its children."""

    name: str
    rest: bytes = field(default=b"")


class Supervisor:
    """Use it with `with`: at the end of the block everything is stopped."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.units: dict[str, Unit] = {}
        self.stop_requests = 0
        self.stopped_by: signal.Signals | None = None
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Supervisor:
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            self._before[number] = signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def start(self, program: Program) -> Unit:
        """Begin to keep this program running."""
        unit = Unit(program, due=time.monotonic())
        self.units[program.name] = unit
        self._turn(0)
        return unit

    def run_once(self, program: Program) -> int:
        """Run this program to its end, with its lines shown, and return its exit code."""
        program.restarts = False
        unit = self.start(program)
        self.wait(lambda: unit.exit_code is not None, seconds=float("inf"))
        del self.units[program.name]
        return unit.exit_code or 0

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Go on supervising until `until()` is true; return False if it is not after so many seconds.

        Raises StopRequestedError as soon as somebody asks to stop.
        """
        deadline = time.monotonic() + seconds
        while not until():
            self._heed_requests()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._turn(min(left, LOOK_AGAIN))
        return True

    def watch(self) -> NoReturn:
        """Go on until somebody asks to stop. Raises StopRequestedError then, and never returns."""
        while True:
            self._heed_requests()
            self._turn(1.0)

    def stop(self) -> None:
        """Stop every program, the highest layer first, and return when none is left."""
        for unit in self.units.values():
            unit.due = None
        for layer in sorted({unit.program.layer for unit in self.units.values()}, reverse=True):
            self._stop_all([unit for unit in self.units.values() if unit.program.layer == layer and unit.process])

    def stop_one(self, name: str) -> None:
        """Stop one program and forget it."""
        unit = self.units.pop(name)
        unit.due = None
        if unit.process:
            self.units[name] = unit
            self._stop_all([unit])
            del self.units[name]

    # --- one turn of the loop ---

    def _turn(self, longest: float) -> None:
        now = time.monotonic()
        for unit in list(self.units.values()):
            if unit.due is not None and unit.due <= now:
                self._start(unit)
        nearest = min((unit.due for unit in self.units.values() if unit.due is not None), default=now + longest)
        for key, _ in self._selector.select(max(0.0, min(longest, nearest - now))):
            if key.data is None:
                self._drain_wake_ups()
            else:
                self._read(key.fileobj, key.data)
        for unit in list(self.units.values()):
            if unit.process and unit.process.poll() is not None:
                self._bury(unit)

    def _start(self, unit: Unit) -> None:
        program = unit.program
        unit.due = None
        if not program.may_start():
            unit.due = time.monotonic() + LOOK_AGAIN
            return
        try:
            unit.process = self._spawn(program)
        except OSError as error:
            self.console.say(f"{program.name} cannot be started: {error}")
            unit.exit_code = CANNOT_EXECUTE
            self._plan_restart(unit)
            return
        unit.started, unit.exit_code = time.monotonic(), None
        output = unit.process.stdout
        assert output is not None
        os.set_blocking(output.fileno(), False)
        self._selector.register(output, selectors.EVENT_READ, Stream(program.name))

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command(), env=program.environment, cwd=program.cwd, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=tied_to_this_process(program.stop_signal),  # noqa: PLW1509 this process has one thread
            **(program.account.switch if program.account else {}),
        )  # fmt: skip

    def _read(self, output: Any, stream: Stream) -> None:
        try:
            read = os.read(output.fileno(), 65_536)
        except BlockingIOError:
            return
        *lines, stream.rest = (stream.rest + read).split(b"\n")
        if not read or len(stream.rest) > 65_536:
            lines, stream.rest = [*lines, stream.rest], b""
        for line in lines:
            if line.strip():
                self.console.line(stream.name, line.decode(errors="replace").rstrip())
        if not read:
            self._selector.unregister(output)
            output.close()

    def _bury(self, unit: Unit) -> None:
        """Note a death, take its children along, and say when the program starts again."""
        process, program = unit.process, unit.program
        assert process is not None
        assert process.returncode is not None
        self._read_what_is_left(process)
        kill_group(process.pid)
        unit.process, unit.exit_code = None, process.returncode
        if program.restarts and not self.stop_requests:
            unit.pause = FIRST_PAUSE if time.monotonic() - unit.started > STEADY else unit.pause
            self.console.say(
                f"{program.name} {how_it_ended(process.returncode)}; starting it again in {unit.pause:g} s"
            )
        self._plan_restart(unit)

    def _plan_restart(self, unit: Unit) -> None:
        if unit.program.restarts and not self.stop_requests:
            unit.deaths += 1
            unit.due = time.monotonic() + unit.pause
            unit.pause = min(unit.pause * 2, LONGEST_PAUSE)

    def _read_what_is_left(self, process: subprocess.Popen[bytes]) -> None:
        output = process.stdout
        if output is not None and not output.closed:
            self._read(output, self._selector.get_key(output).data)

    def _stop_all(self, units: list[Unit]) -> None:
        asked, began = self.stop_requests, time.monotonic()
        for unit in units:
            unit.program.restarts = False
            assert unit.process is not None
            with contextlib.suppress(ProcessLookupError):
                unit.process.send_signal(unit.program.stop_signal)
        while left := [unit for unit in units if unit.process]:
            for unit in left:
                hurried = self.stop_requests > max(asked, 1) and unit.program.layer > 0  # a second Ctrl-C
                if hurried or time.monotonic() - began > unit.program.patience:
                    assert unit.process is not None
                    kill_group(unit.process.pid)
            self._turn(LOOK_AGAIN)

    def _heed_requests(self) -> None:
        if self.stop_requests or self.console.broken:
            raise StopRequestedError

    def _drain_wake_ups(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_reader.recv(4096):
                pass

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.stop_requests += 1
            self.stopped_by = signal.Signals(number)


def kill_group(group: int) -> None:
    """Kill whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """Return in words how a process ended: `ended with exit code 3`, `was killed by SIGKILL`."""
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
