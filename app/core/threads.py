"""Long work in C, beside the event loop of a web worker: inline, each piece of it would hold up every other page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gevent
from gevent import monkey
from gevent.lock import BoundedSemaphore

T = TypeVar("T")


def beside_the_loop(work: Callable[[], T], at_once: BoundedSemaphore) -> T:
    """Run `work` in a native thread where gevent serves requests. `at_once` bounds how many run at a time."""
    if not monkey.is_module_patched("socket"):
        return work()
    with at_once:
        result: T = gevent.get_hub().threadpool.apply(work)
        return result
