"""The state folder belongs to one stack at a time, and its secrets to one user."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from app.local.home import ROOT, AlreadyRunningError, Home, write_private

HOLD = (
    "import sys\nfrom pathlib import Path\nfrom app.local.home import Home\n"
    "with Home(Path(sys.argv[1])).claimed():\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


@pytest.fixture
def other_process(home: Home):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate("")


def test_a_second_start_says_that_it_runs_already_and_where(home, other_process):
    write_private(home.runtime, json.dumps({"pid": other_process.pid, "url": "http://localhost:8123", "urls": {}}))
    with pytest.raises(AlreadyRunningError, match="runs already: http://localhost:8123"), home.claimed():
        pass


def test_a_second_start_during_the_first_says_so(home, other_process):
    with pytest.raises(AlreadyRunningError, match="started or stopped right now"), home.claimed():
        pass


def test_the_folder_is_free_again_when_its_process_was_killed(home, other_process):
    other_process.kill()
    other_process.wait()
    with home.claimed():
        assert home.running() is None


def test_what_a_dead_process_said_of_itself_is_not_believed(home):
    done = subprocess.Popen(["/bin/true"])
    done.wait()
    write_private(home.runtime, json.dumps({"pid": done.pid, "url": "http://localhost:1", "urls": {}}))
    assert home.running() is None


def test_a_secret_is_made_once_and_only_its_owner_reads_it(home):
    before = os.umask(0)
    try:
        first = home.secret("oversing_app")
    finally:
        os.umask(before)
    assert home.secret("oversing_app") == first
    assert stat.S_IMODE((home.secrets / "oversing_app").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
