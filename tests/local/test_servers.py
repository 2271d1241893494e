"""PostgreSQL and Valkey from their wheels: started, killed, started again, in a folder with spaces in its name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.local import ports
from app.local.console import Console
from app.local.embedded import start_postgres, start_valkey
from app.local.home import ROOT, Home, LocalError
from app.local.supervisor import Supervisor
from tests.local.conftest import is_alive, until

RUN_UNTIL_KILLED = (
    "import sys\nfrom pathlib import Path\n"
    "from app.local.console import Console\nfrom app.local.embedded import start_postgres, start_valkey\n"
    "from app.local.home import Home\nfrom app.local.supervisor import Supervisor\n"
    "home = Home(Path(sys.argv[1]))\n"
    "with home.claimed(), Supervisor(Console(only_own=True)) as supervisor:\n"
    "    start_postgres(supervisor, home), start_valkey(supervisor, home)\n"
    "    print(*(unit.process.pid for unit in supervisor.units.values()), flush=True)\n"
    "    supervisor.watch()\n"
)


@pytest.fixture(scope="module")
def pattern() -> Iterator[Path]:
    """A state folder whose PostgreSQL has run once; made as the product makes it, then copied."""
    with tempfile.TemporaryDirectory(prefix="oversing pattern ") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        home.make()
        with Supervisor(Console(only_own=True)) as supervisor:
            start_postgres(supervisor, home)
        yield home.path


@pytest.fixture
def used(pattern: Path, folder: Path) -> Home:
    """A copy of it of this test's own, owners and all."""
    home = Home(folder / "state of things")
    subprocess.run(["cp", "-a", str(pattern), str(home.path)], check=True)
    return home


def test_it_keeps_what_was_committed_when_postgresql_is_killed(supervisor, used):
    server = start_postgres(supervisor, used)
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 100)")
    sleeper = psycopg.connect(server.url(), autocommit=True)
    backend = sleeper.info.backend_pid
    unit = supervisor.units["postgres"]
    first = unit.process.pid
    os.kill(first, signal.SIGKILL)
    assert supervisor.wait(lambda: unit.process and unit.process.pid != first and server.is_ready(), 60)
    assert not is_alive(backend)
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (100,)


def test_postgresql_is_safe_by_its_settings(supervisor, used):
    server = start_postgres(supervisor, used)
    with psycopg.connect(server.url()) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in ("fsync", "data_checksums", "wal_level", "listen_addresses", "unix_socket_directories",
                         "password_encryption", "full_page_writes")
        }  # fmt: skip
        trusted = connection.execute("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'")
        assert trusted.fetchone() == (0,)
    assert shown == {
        "fsync": "on", "data_checksums": "on", "wal_level": "logical", "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "", "password_encryption": "scram-sha-256", "full_page_writes": "on",
    }  # fmt: skip
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(password="wrong"))


def test_another_port_is_chosen_when_somebody_took_ours(supervisor, used):
    start_postgres(supervisor, used)
    first = int((used.postgres / "port").read_text())
    supervisor.stop_one("postgres")
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", first))
        stranger.listen()
        server = start_postgres(supervisor, used)
        assert server.port != first
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_free_port_is_kept_and_lies_below_those_of_outgoing_connections(home):
    remembered = home.path / "port"
    first = ports.settled_port(remembered)
    assert ports.settled_port(remembered) == first
    assert first < ports.first_outgoing_port()


def test_the_servers_of_a_killed_supervisor_do_not_stand_in_the_way(supervisor, used):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_KILLED, str(used.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    left = read_pids(process)
    process.kill()
    process.wait()
    with psycopg.connect(start_postgres(supervisor, used).url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert redis.Redis.from_url(start_valkey(supervisor, used).url).ping()
    until(lambda: not any(is_alive(pid) for pid in left), "the servers before these are gone")


def read_pids(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    with process.stdout as output:
        return [int(pid) for pid in output.readline().split()]


def test_data_of_another_major_version_are_refused_with_the_way_out(supervisor, used):
    version = used.postgres / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(
        LocalError, match=r"made by PostgreSQL 17, and PostgreSQL 18(.|\n)*make backup(.|\n)*make restore"
    ):
        start_postgres(supervisor, used)


def test_a_lost_superuser_password_is_not_papered_over(supervisor, used):
    (used.secrets / "postgres-superuser").unlink()
    with pytest.raises(LocalError, match="their password is gone"):
        start_postgres(supervisor, used)


def test_a_broken_initialisation_is_not_taken_for_data(supervisor, home):
    (home.postgres / "data.unfinished").mkdir(parents=True)
    (home.postgres / "data.unfinished" / "PG_VERSION").write_text("18\n")
    assert start_postgres(supervisor, home).is_ready()


def test_valkey_refuses_who_has_no_password_and_keeps_its_queue_over_a_restart(supervisor, home):
    server = start_valkey(supervisor, home)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).ping()
    redis.Redis.from_url(server.url).rpush("queue", "job")
    supervisor.stop_one("valkey")
    server = start_valkey(supervisor, home)
    assert redis.Redis.from_url(server.url).lrange("queue", 0, -1) == [b"job"]


def test_valkey_starts_empty_when_its_file_cannot_be_read(supervisor, home):
    redis.Redis.from_url(start_valkey(supervisor, home).url).set("a", "b")
    supervisor.stop_one("valkey")
    for part in (home.valkey / "data" / "appendonlydir").glob("*.aof"):
        part.write_bytes(b"this is no append-only file\n" * 10)
    server = start_valkey(supervisor, home)
    assert redis.Redis.from_url(server.url).dbsize() == 0
    assert list(home.valkey.glob("unreadable-*"))
