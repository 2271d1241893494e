"""The state folder, OVERSING_HOME: what lies where in it, who may read it, and that only one stack works in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class LocalError(Exception):
    """Something that the person at the keyboard has to decide or mend; the message says what and how."""


class AlreadyRunningError(LocalError):
    """Another stack works in this state folder."""


class Home:
    """The state folder and the files in it. Making one writes nothing; `claimed()` does."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.secrets = self.path / "secrets"
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.signing_keys = self.path / "signing-keys"
        self.trust_root = self.path / "trust-root.json"
        self.demo = self.path / "demo.json"
        self.mail = self.path / "mail"
        self.runtime = self.path / "runtime.json"

    @classmethod
    def from_environment(cls) -> Home:
        """Return the folder that OVERSING_HOME names, `var` in the project when it names none."""
        return cls(Path(os.environ.get("OVERSING_HOME") or ROOT / "var").expanduser())

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this process alone; the lock falls with the process, however it ends.

        Raises AlreadyRunningError, which says where, when another process holds it.
        """
        self.make()
        with (self.path / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(self.who_runs()) from None
            yield

    def make(self) -> None:
        """Make the folder. What is in it is private file by file; as root others may pass through, but not look."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for private in (self.secrets, self.signing_keys, self.mail):
            private.mkdir(exist_ok=True, mode=0o700)

    def who_runs(self) -> str:
        """Return a sentence about the stack that holds this folder."""
        running = self.running()
        if running is None:
            return f"Oversing is being started or stopped right now by another process in {self.path}."
        return f"Oversing runs already: {running['url']} (process {running['pid']}, state in {self.path})."

    def running(self) -> dict[str, Any] | None:
        """Return what the running stack says of itself: `pid`, `url`, `environment`. None when none runs."""
        try:
            said: dict[str, Any] = json.loads(self.runtime.read_text())
            os.kill(said["pid"], 0)
        except (OSError, ValueError, KeyError):
            return None
        return said

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """Return the secret kept under this name, made at the first asking."""
        path = self.secrets / name
        if not path.exists():
            write_private(path, make())
        return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads: whole or not at all, and on the disk when this returns."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
