"""Named points at which a test can make a process die, to see that nothing is lost there. Off unless switched on."""

from __future__ import annotations

import os
import signal

_armed: set[str] = set()

POINTS = frozenset(
    {
        "audit_export.part_written",
        "certification.frozen",
        "certification.signed",
        "certification.stamped",
        "certification.before_commit",
        "job.before_done",
        "relay.enqueued",
    }
)


def arm(name: str) -> None:
    """Let the process kill itself, as by SIGKILL, when it next comes to `name`. Raises KeyError for no such point."""
    if name not in POINTS:
        raise KeyError(name)
    _armed.add(name)


def failpoint(name: str) -> None:
    """A place where a process may be killed by a test."""
    assert name in POINTS, f"{name} is not a known failpoint."
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
