"""The stage that every test stands on: a real PostgreSQL with the real roles, real keys, a corner of a real Valkey.

The controller builds one template database; each worker of the test run gets a copy of its own. Rows are never cleared
between tests (the audit trail could not be): each test plays in organisations of its own instead.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql

from app.core import clock
from runcible.certification import keys

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("owner", "app", "signer", "clock", "auditor")
RUN = "OVERSING_TEST_RUN"
PASSPHRASE = b"only for this test run"
# What a server does for the day on which it dies, or for a long life. This one has neither.
UNHURRIED = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "16GB",
    "update_process_title": "off",
}
UNLIMITED = {"rate_person": 10**9, "rate_key": 10**9, "rate_address": 10**9}  # all tests together ask very often


@dataclass(frozen=True)
class Stage:
    """Where the parts are: what a process of the product would be told by its environment."""

    database: str
    worker_number: int

    def url(self, role: str) -> str:
        """The database of this stage, as one of the roles (`app`, `signer`, ...) or as `superuser`."""
        return url_of(self.database, role)

    @property
    def redis_url(self) -> str:
        """A numbered database of the Valkey server that nobody else in this run uses."""
        parts = urlsplit(os.environ["REDIS_URL"])
        return urlunsplit(parts._replace(path=f"/{self.worker_number}"))

    @property
    def settings(self) -> dict[str, object]:
        """What `create_app` needs to run on this stage."""
        home = home_of_run()
        return {
            "oversing_home": home,
            "base_url": "http://localhost",
            "database_url": self.url("app"),
            "signer_database_url": self.url("signer"),
            "clock_database_url": self.url("clock"),
            "auditor_database_url": self.url("auditor"),
            "migration_database_url": self.url("owner"),
            "redis_url": self.redis_url,
            "sealing_key_file": home / "sealing.key",
            "signing_key_dir": home / "signing-keys",
            "signing_passphrase_file": home / "passphrase",
            "trust_root_file": home / "trust-root.json",
            "log_level": "ERROR",
            "styleguide": True,
            **UNLIMITED,
        }

    def environment(self, **changed: str) -> dict[str, str]:
        """The same for a process of its own."""
        told = {name.upper(): str(value) for name, value in self.settings.items()}
        return {**os.environ, **told, "PYTHONUNBUFFERED": "1", **changed}


def url_of(database: str, role: str) -> str:
    """A database of the test server as seen by a role."""
    parts = urlsplit(os.environ["TEST_SUPERUSER_URL"])
    if role == "superuser":
        return urlunsplit(parts._replace(path=f"/{database}"))
    place = f"oversing_{role}:{os.environ[RUN]}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=place, path=f"/{database}"))


def home_of_run() -> Path:
    """Keys and files of this run."""
    return Path(os.environ["OVERSING_HOME"]) / f"run-{os.environ[RUN]}"


def template_name() -> str:
    """The migrated database that every worker copies."""
    return f"template_{os.environ[RUN]}"


def build() -> None:
    """Make roles, keys and the template database. Once, in the controller, before workers start."""
    os.environ[RUN] = secrets.token_hex(6)
    _make_keys()
    with superuser() as connection:
        # Nobody kills this server: those tests that do have one of their own, which waits for the disk as it should.
        for setting, value in UNHURRIED.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(setting), value))
        connection.execute("SELECT pg_reload_conf()")
        connection.execute((ROOT / "deploy/database/roles.sql").read_text())
        connection.execute("SET scram_iterations = 1")  # nobody guesses at these: they may be let in at once
        for role in ROLES:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(f"oversing_{role}"), os.environ[RUN])
            )
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER oversing_owner").format(sql.Identifier(template_name())))
    migrate(template_name())
    with superuser(template_name()) as connection:
        connection.execute((ROOT / "deploy/database/guard.sql").read_text())


def migrate(database: str, to: str = "head") -> None:
    """Bring a database to a revision, as its owner."""
    steps = command.upgrade if to in ("head",) or to.startswith("+") else command.downgrade
    steps(alembic_config(database), to)


def alembic_config(database: str) -> Config:
    """Alembic, pointed at one database."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = url_of(database, "owner")
    return config


def copy(name: str) -> str:
    """A database of one's own, with everything migrated and guarded. Returns its name."""
    database = f"{name}_{os.environ[RUN]}"
    with superuser() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER oversing_owner").format(
                sql.Identifier(database), sql.Identifier(template_name())
            )
        )
    return database


def tear_down() -> None:
    """Drop the databases of this run."""
    with superuser() as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%\\_{os.environ[RUN]}"]
        ).fetchall()
        for (name,) in names:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def superuser(database: str = "postgres") -> psycopg.Connection:
    """A connection that may do anything, committing each statement."""
    return psycopg.connect(url_of(database, "superuser"), autocommit=True)


def _make_keys() -> None:
    home = home_of_run()
    home.mkdir(parents=True)
    _write(home / "sealing.key", base64.b64encode(os.urandom(32)))
    _write(home / "passphrase", PASSPHRASE)
    trust = keys.create(home / "signing-keys", PASSPHRASE, at=clock.now())
    (home / "trust-root.json").write_bytes(trust.bytes)


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
