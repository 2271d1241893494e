"""What something costs, beside what else costs here: how fast the machine is, and what else it does, plays no part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache

GOES = 3

# A mebibyte of ordinary JSON, as somebody's honest request may be.
ORDINARY = json.dumps([{"name": f"Task {number}", "minutes": number} for number in range(26_000)])


def effort(call: Callable[[], object]) -> float:
    """Return the seconds of a processor that a call takes, at best; the threads of a library count as well."""
    return min(_spent(call) for _go in range(GOES))


def _spent(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def readings(call: Callable[[], object]) -> float:
    """Return how many times as much a call takes as Python takes to read a mebibyte of ordinary JSON."""
    return effort(call) / _reading()


@cache
def _reading() -> float:
    return effort(lambda: json.loads(ORDINARY))
