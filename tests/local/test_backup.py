"""A backup brings back every row, every key and every guard, on a server made anew."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from app.local import archive, backup
from app.local.console import Console
from app.local.dump import tool
from app.local.embedded import start_services
from app.local.environment import whole_environment
from app.local.home import ROOT, Home, LocalError
from app.local.provision import put_guards_up
from app.local.supervisor import Supervisor
from tests.local.test_environment import ADDRESS


def forget_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in the environment name a server: the embedded ones are meant."""
    for name in [name for name in os.environ if name.endswith(("DATABASE_URL", "REDIS_URL"))]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _embedded(monkeypatch):
    forget_servers(monkeypatch)


@contextmanager
def running(home: Home):
    with home.claimed(), Supervisor(Console(only_own=True)) as supervisor:
        yield start_services(supervisor, home)


@pytest.fixture(scope="module")
def pattern() -> Iterator[Path]:
    """A state folder with the product's own tables and guards, rows, and keys; made once, then copied."""
    with tempfile.TemporaryDirectory(prefix="oversing pattern ") as folder, pytest.MonkeyPatch.context() as monkeypatch:
        Path(folder).chmod(0o711)
        forget_servers(monkeypatch)
        home = Home(Path(folder) / "home")
        with running(home) as services:
            whole_environment(home, ADDRESS, services.urls)
            settings = Config()
            settings.set_main_option("script_location", str(ROOT / "migrations"))
            settings.attributes["url"] = services.urls["MIGRATION_DATABASE_URL"]
            command.upgrade(settings, "head")
            put_guards_up(services.urls["SUPERUSER_DATABASE_URL"])
            with psycopg.connect(services.urls["MIGRATION_DATABASE_URL"]) as connection:
                connection.execute("CREATE TABLE public.kept AS SELECT generate_series(1, 1000) AS id")
        (home.signing_keys / "rsa.pem").write_text("a signing key")
        home.trust_root.write_text('{"keys": []}')
        home.demo.write_text('{"url": "http://localhost:8000"}')
        yield home.path


@pytest.fixture
def filled(pattern, folder, monkeypatch) -> Home:
    """A state folder of this test's own, owners and all."""
    home = Home(folder / "state of things")
    subprocess.run(["cp", "-a", str(pattern), str(home.path)], check=True)
    monkeypatch.setenv("OVERSING_HOME", str(home.path))
    return home


def schema(url: str, folder) -> list[str]:
    """Everything but the rows, as text. Casts and brackets are left out: `IN` is written down anew when restored."""
    tool("pg_dump", url, "--schema-only", f"--file={folder / 'schema.sql'}")
    lines = (folder / "schema.sql").read_text().splitlines()
    told = [line for line in lines if not line.startswith((r"\restrict", r"\unrestrict"))]
    return [re.sub(r"::(character varying|text)\b|[()\[\]]", "", line) for line in told]


def test_it_brings_back_rows_keys_and_guards(filled, folder, monkeypatch):
    file = folder / "every thing.backup"
    with running(filled) as services:
        before = schema(services.urls["SUPERUSER_DATABASE_URL"], folder)
    backup.back_up(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    elsewhere = Home(folder / "an empty home")
    monkeypatch.setenv("OVERSING_HOME", str(elsewhere.path))
    backup.restore(file, force=False)
    for part in ("secrets/sealing.key", "secrets/signing.passphrase", "signing-keys/rsa.pem", "trust-root.json"):
        assert (elsewhere.path / part).read_bytes() == (filled.path / part).read_bytes()
    with running(elsewhere) as services:
        assert schema(services.urls["SUPERUSER_DATABASE_URL"], folder) == before
        with psycopg.connect(services.urls["MIGRATION_DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*), sum(id) FROM kept").fetchone() == (1000, 500_500)
            guards = "SELECT count(*) FROM pg_event_trigger WHERE evtenabled = 'A'"
            assert connection.execute(guards).fetchone() == (2,)
        with (
            psycopg.connect(services.urls["SUPERUSER_DATABASE_URL"]) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        ):
            connection.execute("TRUNCATE audit.audit_events")


def test_it_backs_up_the_running_stack_too(filled, folder):
    with running(filled) as services:
        with pytest.raises(LocalError, match="being started or stopped"):
            backup.back_up(folder / "too early.backup")
        filled.runtime.write_text(json.dumps({"pid": os.getpid(), "url": "", "urls": services.urls}))
        backup.back_up(folder / "running.backup")
        with pytest.raises(LocalError, match="Stop it first"):
            backup.restore(folder / "running.backup", force=True)
    with tarfile.open(folder / "running.backup") as written:
        assert "database.dump" in written.getnames()


def test_it_does_not_touch_data_that_are_there_unless_forced(filled, folder):
    file = folder / "a.backup"
    backup.back_up(file)
    with pytest.raises(LocalError, match="FORCE=1"):
        backup.restore(file, force=False)
    backup.restore(file, force=True)
    (kept,) = filled.path.glob("replaced-*")
    assert (kept / "postgres" / "data" / "PG_VERSION").exists()
    assert (kept / "secrets" / "sealing.key").read_bytes() == (filled.secrets / "sealing.key").read_bytes()
    with running(filled) as services, psycopg.connect(services.urls["MIGRATION_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_damaged_file_changes_nothing(filled, folder):
    file = folder / "a.backup"
    backup.back_up(file)
    damaged = bytearray(file.read_bytes())
    place = damaged.index(b"PGDMP") + 5000
    damaged[place : place + 8] = b"damaged!"
    file.write_bytes(damaged)
    with pytest.raises(LocalError, match="damaged"):
        backup.restore(file, force=True)
    assert not list(filled.path.glob("replaced-*"))
    assert not (filled.path / "restoring").exists()
    with running(filled) as services, psycopg.connect(services.urls["MIGRATION_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_what_is_no_backup_is_refused(home, folder, monkeypatch):
    monkeypatch.setenv("OVERSING_HOME", str(home.path))
    with pytest.raises(LocalError, match="There is no file"):
        backup.restore(folder / "nothing", force=False)
    (folder / "text").write_text("hello")
    with pytest.raises(LocalError, match="no complete backup"):
        backup.restore(folder / "text", force=False)
    with pytest.raises(LocalError, match="nothing to back up"):
        backup.back_up(folder / "empty.backup")
    assert not (folder / "empty.backup").exists()


@pytest.mark.parametrize(
    "name", ["../out", "/etc/out", "signing-keys/../../out", "secrets/oversing_app", "signing-keys//etc/out"]
)
def test_a_forged_archive_cannot_write_where_it_likes(name):
    assert not archive.is_part(name)


def test_the_parts_of_a_backup_are_known():
    assert all(map(archive.is_part, ["database.dump", "secrets/sealing.key", "signing-keys/a/b.pem", "demo.json"]))
