"""When rubbish is collected in a process that holds thousands of things for long.

A full collection looks at all that the process holds, and the process does nothing else meanwhile: 0.6 s where it holds
three thousand sockets. By itself Python begins one in the midst of anything, as often as much has come. What is young
is collected as ever, and a socket that is closed goes without: hardly anything is left for a full collection.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

NEVER = 2**31 - 1
EVERY = 3600.0  # seconds


@contextmanager
def none_yet() -> Iterator[None]:
    """Look for no rubbish while code is loaded: there is none, and looking for it is a sixth of a start.

    What was loaded is set aside for good. It lives as long as the process does, and to look through it when that ends
    was half a second of a processor, in which whoever stops the product waits.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def collect_seldom() -> None:
    """Set aside what the process has now, which stays for its life, and begin no full collection unasked."""
    gc.collect()
    gc.freeze()
    young, older, _all = gc.get_threshold()
    gc.set_threshold(young, older, NEVER)


def collect_forever() -> None:
    """Collect everything once an hour."""
    while True:
        time.sleep(EVERY)
        gc.collect()
