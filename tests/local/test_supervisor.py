"""The supervisor keeps programs alive one by one, and leaves none behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.console import Console
from app.local.home import ROOT
from app.local.supervisor import Program, StopRequestedError, Supervisor, Unit
from tests.local.conftest import is_alive, until

ENVIRONMENT = {"PATH": os.defpath}


def shell(name: str, line: str, **options) -> Program:
    return Program(name=name, command=lambda: ["/bin/sh", "-c", line], environment=ENVIRONMENT, **options)


def pid_of(unit: Unit) -> int:
    assert unit.process is not None
    return unit.process.pid


def says(supervisor: Supervisor, screen: io.StringIO, text: str) -> None:
    assert supervisor.wait(lambda: text in screen.getvalue(), 20), screen.getvalue()


def test_it_starts_a_crashed_program_again_and_lets_the_others_live(supervisor, screen):
    steady = supervisor.start(shell("steady", "echo here; exec sleep 60"))
    fragile = supervisor.start(shell("fragile", "echo started; exec sleep 60"))
    says(supervisor, screen, "started")
    lives_on, dies = pid_of(steady), pid_of(fragile)
    os.kill(dies, signal.SIGKILL)
    assert supervisor.wait(lambda: screen.getvalue().count("started") == 2, 20)
    assert pid_of(fragile) != dies
    assert pid_of(steady) == lives_on
    assert is_alive(lives_on)
    says(supervisor, screen, "fragile was killed by SIGKILL; starting it again in 0.25 s")


def test_it_waits_longer_each_time_a_program_dies_at_once(supervisor, screen):
    supervisor.start(shell("hopeless", "exit 3"))
    says(supervisor, screen, "ended with exit code 3; starting it again in 1 s")
    pauses = [line.split(" in ")[1] for line in screen.getvalue().splitlines() if "again in" in line]
    assert pauses == ["0.25 s", "0.5 s", "1 s"]


def test_stopping_leaves_no_process_behind_not_even_stubborn_ones_and_grandchildren(supervisor, screen):
    stubborn = supervisor.start(
        shell("stubborn", "trap '' TERM; echo stubborn; while :; do sleep 60; done", patience=0.3)
    )
    parent = supervisor.start(shell("parent", "sleep 60 & echo child $!; wait"))
    says(supervisor, screen, "stubborn")
    says(supervisor, screen, "child ")
    child = int(screen.getvalue().split("child ")[1].split()[0])
    processes = [pid_of(stubborn), pid_of(parent), child]
    assert all(is_alive(pid) for pid in processes)
    supervisor.stop()
    until(lambda: not any(is_alive(pid) for pid in processes), "everything is gone")


def test_it_takes_the_children_of_a_crashed_program_along(supervisor, screen):
    parent = supervisor.start(shell("parent", "sleep 60 & echo child $!; wait"))
    says(supervisor, screen, "child ")
    child = int(screen.getvalue().split("child ")[1].split()[0])
    os.kill(pid_of(parent), signal.SIGKILL)
    assert supervisor.wait(lambda: screen.getvalue().count("child ") == 2, 20)
    until(lambda: not is_alive(child), "the orphan is gone before its port is needed again")


def test_it_stops_the_servers_after_those_who_use_them(supervisor, screen):
    supervisor.start(shell("database", "trap 'echo database stops; exit 0' TERM; echo up; sleep 60 & wait", layer=0))
    supervisor.start(shell("worker", "trap 'echo worker stops; exit 0' TERM; echo up; sleep 60 & wait"))
    assert supervisor.wait(lambda: screen.getvalue().count("up") == 2, 20)
    supervisor.stop()
    said = [line.split("| ")[1] for line in screen.getvalue().splitlines() if "stops" in line]
    assert said == ["worker stops", "database stops"]


def test_no_program_survives_a_supervisor_that_is_killed(folder):
    script = folder / "supervise.py"
    script.write_text(
        "import sys\n"
        "from app.local.console import Console\n"
        "from app.local.supervisor import Program, Supervisor\n"
        "with Supervisor(Console()) as supervisor:\n"
        "    supervisor.start(Program('tied', lambda: ['/bin/sh', '-c', 'echo pid $$; exec sleep 60'], {}))\n"
        "    supervisor.watch()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline().split("pid ")[1])
    assert is_alive(child)
    process.kill()
    process.wait()
    process.stdout.close()
    until(lambda: not is_alive(child), "the kernel took the child along")


def test_it_stops_when_asked_to_by_a_signal(supervisor):
    unit = supervisor.start(shell("patient", "exec sleep 60"))
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequestedError):
        supervisor.watch()
    supervisor.stop()
    assert unit.process is None
    assert unit.exit_code == -signal.SIGTERM


def test_run_once_returns_the_exit_code_and_shows_the_last_words(supervisor, screen):
    assert supervisor.run_once(shell("release", "printf 'no newline at the end'; exit 7")) == 7
    assert "no newline at the end" in screen.getvalue()


def test_a_program_that_cannot_be_started_does_not_take_the_others_along(supervisor, screen):
    steady = supervisor.start(shell("steady", "exec sleep 60"))
    absent = Program("absent", lambda: ["/nowhere/at/all"], ENVIRONMENT)
    assert supervisor.run_once(absent) == 126
    says(supervisor, screen, "absent cannot be started: [Errno 2]")
    assert is_alive(pid_of(steady))


def test_a_program_sees_its_own_environment_only(supervisor, screen, monkeypatch):
    monkeypatch.setenv("SECRET_OF_SOMEBODY_ELSE", "hush")
    supervisor.run_once(Program("nosy", lambda: ["/usr/bin/env"], {"TOLD": "yes"}))
    assert "TOLD=yes" in screen.getvalue()
    assert "hush" not in screen.getvalue()


def test_lines_carry_the_name_of_who_wrote_them_and_cannot_steer_the_terminal(screen):
    console = Console(screen)
    console.line("web", '{"event": "served", "level": "info", "status": 200, "timestamp": "now"}')
    console.line("worker", '{"event": "lost", "level": "error"}')
    console.line("web", "\x1b]0;owned\x07 plain")
    lines = [line.split(" ", 1)[1] for line in screen.getvalue().splitlines()]
    assert lines == ["web      | served status=200", "worker   | ERROR lost", "web      | ?]0;owned? plain"]


def test_a_terminal_that_is_gone_ends_the_watch():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone, Supervisor(Console(gone)) as supervisor:
        unit = supervisor.start(shell("chatty", "echo hello; exec sleep 60"))
        with pytest.raises(StopRequestedError):
            supervisor.watch()
        process = unit.process
    assert process is not None
    assert process.returncode is not None
    assert not Path(f"/proc/{process.pid}").exists()
