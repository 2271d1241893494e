"""The product as people reach it: gunicorn, started as `make run` starts it, and bytes sent to it as they are."""

from __future__ import annotations

import http.client
import select
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stage import ROOT, Stage

PATIENCE = 60.0  # seconds; a machine that runs other tests as well may be slow


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read from the wire."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    closed: bool

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Server:
    """A running web process."""

    port: int
    log_file: Path
    stop: Callable[[], None]

    @property
    def host(self) -> str:
        """What a browser puts into `Host`."""
        return f"localhost:{self.port}"

    @property
    def log(self) -> str:
        """Everything that the process has written so far."""
        return self.log_file.read_text()

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, *pieces: bytes, end: bool = False) -> Answer:
        """Send bytes as they are, and read one answer. `end` half-closes the connection after them."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection)

    def get(self, path: str, **headers: str) -> Answer:
        """An ordinary GET."""
        return self.send(request("GET", path, {"Host": self.host, **headers}))


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request. `Content-Length` is for the caller to tell, rightly or wrongly."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_answer(connection: socket.socket) -> Answer:
    """One answer from a connection, and whether the server closed it afterwards."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    body = response.read()
    return Answer(response.status, response.headers, body, response.will_close)


def is_closed(connection: socket.socket, within: float = PATIENCE) -> bool:
    """Whether the server has hung up, or does so soon."""
    deadline = time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([connection], [], [], left)
        if not readable:
            return False
        try:
            if not connection.recv(65536):
                return True
        except ConnectionError:
            return True
    return False


@contextmanager
def running(stage: Stage, folder: Path, *, kind: str = "web", **changed: str) -> Iterator[Server]:
    """One kind of process, web or live, on a port of its own, as the Procfile has it, until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        log_file = folder / f"{kind}.log"
        command = [sys.executable, "-m", "gunicorn", *_arguments(kind), "-b", f"fd://{listener.fileno()}"]
        told = {"BASE_URL": f"http://localhost:{port}", "LOG_LEVEL": "INFO", **changed}
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=stage.environment(**told),
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            server = Server(port, log_file, process.terminate)
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _arguments(kind: str) -> list[str]:
    """What the Procfile tells gunicorn, but for where it listens and how many workers it has."""
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith(f"{kind}:"))
    words = shlex.split(line)[2:]
    for told in ("-b", "-w"):
        place = words.index(told)
        del words[place : place + 2]
    return [*words, "-w", "1"]


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Connections wait in the backlog until the worker is there; a process that dies says why in its log."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"The server did not start:\n{server.log}")
        try:
            if server.get("/healthz").status == 200:
                return
        except (OSError, http.client.HTTPException):
            continue
    raise AssertionError(f"The server does not answer:\n{server.log}")
