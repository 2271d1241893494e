"""Failpoints are known by name, and off unless switched on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from app.core import failpoints
from app.core.failpoints import POINTS, arm, failpoint


def test_nothing_happens_where_none_is_armed(monkeypatch):
    killed = []
    monkeypatch.setattr(failpoints.os, "kill", lambda *told: killed.append(told))
    for name in POINTS:
        failpoint(name)
    assert killed == []


def test_an_unknown_point_cannot_be_armed_nor_passed():
    with pytest.raises(KeyError):
        arm("nowhere.at_all")
    with pytest.raises(AssertionError, match="not a known failpoint"):
        failpoint("nowhere.at_all")


def test_an_armed_point_kills_the_process_as_a_machine_would():
    script = (
        "from app.core.failpoints import arm, failpoint\n"
        "arm('job.before_done')\nfailpoint('relay.enqueued')\nprint('passed', flush=True)\n"
        "failpoint('job.before_done')\n"
        "print('survived', flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "passed\n")
