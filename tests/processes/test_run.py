"""`make run` as a newcomer sees it: the whole product started, wounded, asked, and stopped. The tests are one story."""

from __future__ import annotations

import json
import resource
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.home import ROOT
from app.local.ports import is_free
from tests.local.conftest import is_alive, until


def test_it_says_where_it_is_and_how_to_sign_in(started):
    assert "is ready after" in started.words
    assert f"http://localhost:{started.port}" in started.words
    assert f"Sign in as alice@acme.example; the password is in {started.home / 'demo.json'}" in started.words
    assert {name for name, part in started.ask()["parts"].items() if part["ready"]} == {
        "database", "migrations", "redis", "worker", "signer", "clock", "live", "guards",
    }  # fmt: skip


def test_the_demo_cast_can_be_read_by_its_owner_only(started):
    demo = started.home / "demo.json"
    assert stat.S_IMODE(demo.stat().st_mode) == 0o600
    told = json.loads(demo.read_text())
    cast = {tenant["slug"]: {user["email"]: user["role"] for user in tenant["users"]} for tenant in told["tenants"]}
    assert cast == {
        "acme": {
            "alice@acme.example": "owner",
            "bob@acme.example": "member",
            "carol@acme.example": "viewer",
            "dave@acme.example": "admin",
            "erin@acme.example": "manager",
            "frank@acme.example": "reviewer",
            "grace@acme.example": "auditor",
            "heidi@acme.example": "guest",
        },
        "globex": {"mallory@globex.example": "owner"},
    }
    assert told["url"] == f"http://localhost:{started.port}"
    passwords = [user["password"] for tenant in told["tenants"] for user in tenant["users"]]
    assert not [password for password in passwords if password in started.words]


def test_no_secret_of_another_process_is_in_an_environment(started):
    pids = started.pids()
    assert {"web", "signer"} <= pids.keys()
    for name, pid in pids.items():
        told = {line.partition("=")[0] for line in Path(f"/proc/{pid}/environ").read_text().split("\0")}
        assert "SUPERUSER_DATABASE_URL" not in told
        assert "MIGRATION_DATABASE_URL" not in told
        assert ("SIGNING_PASSPHRASE_FILE" in told) == (name == "signer"), name


def test_a_second_start_says_that_it_runs_already_and_where(started):
    second = subprocess.run(
        started.command, cwd=ROOT, env=started.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 0
    assert f"Oversing runs already: http://localhost:{started.port}" in second.stdout
    assert started.is_ready()


@pytest.mark.parametrize("name", ["web", "live", "valkey"])  # the others die in test_fifty_requests.py
def test_a_crashed_process_is_started_again_and_the_others_live_on(started, name):
    with started.crash_of(name):
        until(started.is_ready, "every part is ready again", 60)


def test_ctrl_c_leaves_no_process_behind(started):
    family = started.family()
    assert len(family) > 10
    assert started.stop(signal.SIGINT) == 0
    until(lambda: not any(is_alive(pid) for pid in family), "everything is gone")
    assert "stopped; nothing is left running" in started.words
    assert is_free(started.port)
    assert not (started.home / "runtime.json").exists()


def seconds_to_load_the_application() -> float:
    """By one process on the same machine: a start is a dozen of them, and the speed of machines differs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import app.making"], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_second_start_is_fast_and_makes_no_data_again(started):
    demo = (started.home / "demo.json").read_text()
    started.start()
    assert started.seconds_of_work() < 16 * seconds_to_load_the_application()
    assert "making demo data" not in started.words
    assert "bringing the database up to date" not in started.words
    assert (started.home / "demo.json").read_text() == demo


def test_nothing_survives_a_supervisor_that_is_killed_and_the_next_start_works(started):
    family = started.family()
    started.stop(signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in family), "everything is gone", 40)
    started.environment["WEB_CONCURRENCY"] = "1"  # two web processes were in the way; one shows that nothing is
    started.start()
    assert started.is_ready()
    assert started.stop(signal.SIGTERM) == 0


def test_a_taken_port_is_named_with_another_one_to_choose(started):
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", started.port))
        stranger.listen()
        done = subprocess.run(
            started.command, cwd=ROOT, env=started.environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"Port {started.port} is taken by another program" in done.stderr
