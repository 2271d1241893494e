"""The processes of the product, really running on a stage: started as the Procfile has them, and never left behind."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local.environment import environment_of
from app.local.lifeline import tied_to_this_process
from tests.nursery import KINDS, Born, Nursery
from tests.stage import ROOT, Stage

PATIENCE = 60.0  # seconds; a machine that runs other tests as well may be slow
BREATH = threading.Event()  # nobody sets it: who looks again and again leaves the machine to those who work
WEB, LIVE = "web", "live"


class Processes:
    """What runs on one stage, by the names of the Procfile. Use `running` to get one."""

    def __init__(
        self, stage: Stage, folder: Path, listeners: dict[str, socket.socket], changed: dict[str, str]
    ) -> None:
        self.stage, self.folder, self.listeners, self.changed = stage, folder, listeners, changed
        self.started: dict[str, subprocess.Popen[bytes] | Born] = {}
        self._nursery: Nursery | None = None

    @property
    def port(self) -> int:
        """Where the web process listens. It is bound before anything starts: nobody else can take it."""
        return self._port(WEB)

    @property
    def url(self) -> str:
        """The address that a person types."""
        return f"http://localhost:{self.port}"

    def start(self, *names: str) -> None:
        """Start processes. They are tied to this one: whatever happens to it, they end."""
        for name in names:
            live_url = f"ws://localhost:{self._port(LIVE)}/live"
            told = environment_of(name, self.stage.environment(BASE_URL=self.url, LIVE_URL=live_url, **self.changed))
            if name in KINDS:
                self._nursery = self._nursery or Nursery()
                self.started[name] = self._nursery.start(name, told, self._log(name))
                continue
            with self._log(name).open("ab") as log:
                self.started[name] = subprocess.Popen(
                    self._command(name),
                    cwd=ROOT,
                    env=told,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[self.listeners[name].fileno()] if name in self.listeners else [],
                    start_new_session=True,
                    preexec_fn=tied_to_this_process(signal.SIGTERM),  # noqa: PLW1509 it takes no lock
                )

    def wait(self, name: str = WEB) -> None:
        """Go on when the web process, or the live one, answers; its socket lets connections wait till then."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.check()
            connection = http.client.HTTPConnection("127.0.0.1", self._port(name), timeout=5)
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
        raise AssertionError(f"{name} does not answer:\n{self.log(name)}")

    def check(self) -> None:
        """Fail if one has ended, saying what it wrote."""
        for name, process in self.started.items():
            assert process.poll() is None, f"{name} has ended ({process.returncode}):\n{self.log(name)}"

    def kill(self, name: str) -> None:
        """End one at once, with all of its children, as a crash would."""
        process = self.started.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """One stands still while the block runs, and then goes on where it was."""
        group = self.started[name].pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def stop(self) -> None:
        """Ask all to end, and end those that do not."""
        for process in self.started.values():
            process.terminate()
        for process in self.started.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.started.clear()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def log(self, name: str) -> str:
        """Everything that one has written so far."""
        return self._log(name).read_text(errors="replace")

    def _port(self, name: str) -> int:
        return int(self.listeners[name].getsockname()[1])

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _command(self, name: str) -> list[str]:
        """What the Procfile says, but for where web listens and that one worker of it is enough."""
        lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
        program, *words = shlex.split(lines[name])
        if name not in self.listeners:
            return [sys.executable, *words]
        for told in ("-b", "-w"):
            place = words.index(told)
            del words[place : place + 2]
        return [sys.executable, "-m", program, "-w", "1", "-b", f"fd://{self.listeners[name].fileno()}", *words]


@contextmanager
def running(stage: Stage, folder: Path, *names: str, **changed: str) -> Iterator[Processes]:
    """These processes at work on the stage until the block ends; `changed` are settings in capitals."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as web, socket.socket() as live:
        for listener in (web, live):
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
        processes = Processes(stage, folder, {WEB: web, LIVE: live}, changed)
        try:
            processes.start(*names)
            if WEB in names:
                processes.wait()
            yield processes
        finally:
            processes.stop()
