"""Ask a server as often as it answers, for a while: with wrk where it is on the PATH, else with our own client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.local.home import ROOT
from app.local.supervisor import Supervisor

CONNECTIONS = 8
SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Target:
    """One request to a server on this machine."""

    port: int
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What came of asking: latencies in milliseconds, `wrong` counts answers that were no success."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    wrong: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class WrongAnswersError(Exception):
    """A server answered with errors: there is nothing to measure."""


def generator() -> str:
    """The name of the load generator that will be used."""
    return "wrk" if shutil.which("wrk") else "benchmarks/client.py"


def ask(supervisor: Supervisor, target: Target, seconds: int, *, connections: int = CONNECTIONS) -> Load:
    """Ask for `seconds`, with so many connections kept open. Raises WrongAnswersError."""
    with tempfile.TemporaryDirectory() as folder:
        if generator() == "wrk":
            said = _run(supervisor, *_wrk(target, seconds, connections, Path(folder)))
            told = next(line for line in said.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT ")
        else:
            given = _for_client(target) | {"connections": connections, "seconds": seconds}
            told = _run(supervisor, [sys.executable, "-m", "benchmarks.client"], json.dumps(given))
    return _checked(Load(**json.loads(told)), target)


def send(supervisor: Supervisor, target: Target, times: int, *, connections: int = CONNECTIONS) -> Load:
    """Ask exactly so many times, as fast as the answers come. Raises WrongAnswersError."""
    given = _for_client(target) | {"connections": connections, "seconds": 600, "at_most": times}
    told = _run(supervisor, [sys.executable, "-m", "benchmarks.client"], json.dumps(given))
    return _checked(Load(**json.loads(told)), target)


def _wrk(target: Target, seconds: int, connections: int, folder: Path) -> tuple[list[str], str]:
    headers = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), *headers]
    more = [target.method]
    if target.body:
        body = folder / "body"
        body.write_text(target.body)
        more.append(str(body))
    return [*command, f"http://127.0.0.1:{target.port}{target.path}", "--", *more], ""


def _for_client(target: Target) -> dict[str, Any]:
    headers = {"Host": f"127.0.0.1:{target.port}", **target.headers}
    return {
        "host": "127.0.0.1", "port": target.port, "path": target.path, "method": target.method, "headers": headers,
        "body": target.body,
    }  # fmt: skip


def _run(supervisor: Supervisor, command: list[str], given: str) -> str:
    """Run the generator while the servers are watched over, and return what it said."""
    with tempfile.TemporaryFile("w+") as words, tempfile.TemporaryFile("w+") as output:
        words.write(given)
        words.seek(0)
        process = subprocess.Popen(command, cwd=ROOT, stdin=words, stdout=output, stderr=subprocess.STDOUT)
        try:
            supervisor.wait(lambda: process.poll() is not None, float("inf"))
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise WrongAnswersError(f"{command[0]} failed: {said[-1000:]}")
    return said


def _checked(load: Load, target: Target) -> Load:
    if load.wrong or not load.requests:
        what = f"{target.method} {target.path}"
        raise WrongAnswersError(f"{what}: of {load.requests} answers {load.wrong} were no success.")
    return load
