"""Long work in C, beside the event loop of a web worker: inline, each piece of it would hold up every other page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import gevent
from gevent import monkey
from gevent.lock import BoundedSemaphore

T = TypeVar("T")


def beside_the_loop(work: Callable[[], T], at_once: BoundedSemaphore) -> T:
    """Run `work` in a native thread where gevent serves requests. `at_once` bounds how many run at a time.

    Raises what `work` raises, carried over: gevent prints whatever leaves such a thread, as if nobody caught it.
    """
    if not monkey.is_module_patched("socket"):
        return work()
    with at_once:
        done: _Done[T] = gevent.get_hub().threadpool.apply(lambda: _carried_over(work))
    if done.error is not None:
        raise done.error
    return cast(T, done.result)


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T | None = None
    error: Exception | None = None


def _carried_over(work: Callable[[], T]) -> _Done[T]:
    try:
        return _Done(result=work())
    except Exception as error:
        return _Done(error=error)
