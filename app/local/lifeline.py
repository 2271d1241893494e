"""Tie a child to the life of its parent, so that no server survives a supervisor that was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def tied_to_this_process(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs before it becomes its program: the kernel will signal it when this process dies.

    Linux only; elsewhere None, and a killed supervisor leaves its programs to the next start, which stops the servers.
    The tie belongs to the thread that starts the child, so that has to be the main one.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork, where nothing may be loaded any more

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the tie was made

    return tie
