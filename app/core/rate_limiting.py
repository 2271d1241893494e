"""How often somebody may ask: a moving window of a minute, counted in one place for all processes.

Two counters stand for each subject, of this minute and of the one before; the older one counts by the part of it that
the window still covers. It takes one round trip for all subjects of a request, and a few bytes for each. Where the
server is away each process counts for itself, its share of the limit only: nobody is stopped, and nobody is let loose.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from redis.commands.core import Script
from redis.exceptions import RedisError

from app.core import clock, valkey

log = structlog.get_logger(__name__)

WINDOW = 60  # seconds
ASK_AGAIN_AFTER = 5.0  # seconds in which a server that did not answer is left alone
AT_ONCE = 8  # requests of one process that ask at a time: in a burst each would wait for all others, and give up
REMEMBERED = 20_000  # subjects that one process counts while the server is away

# ARGV: the limits, then the length of the window and how much of the minute before it still covers.
# Nothing is counted of a request that is refused: whoever keeps asking is let in again as soon as anybody else.
_COUNT = """
local n = #KEYS / 2
local told, refused = {}, false
for i = 1, n do
  local now, before = tonumber(redis.call('GET', KEYS[i]) or 0), tonumber(redis.call('GET', KEYS[n + i]) or 0)
  refused = refused or math.floor(before * tonumber(ARGV[n + 2])) + now >= tonumber(ARGV[i])
  told[2 * i - 1], told[2 * i] = now, before
end
if not refused then
  for i = 1, n do
    redis.call('INCR', KEYS[i])
    redis.call('EXPIRE', KEYS[i], ARGV[n + 1] * 2)
  end
end
return told
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody or something whose requests are counted, and how many of them a minute may have."""

    policy: str  # person, key or address
    name: str
    limit: int

    @property
    def key(self) -> str:
        """What its counters are called. Whoever reads them learns nothing of people or addresses."""
        return f"rate:{self.policy}:{hashlib.sha256(self.name.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Count:
    """How a subject stands after a request was counted, or refused."""

    policy: str
    limit: int
    remaining: int
    wait: int  # seconds; until it may ask again, or until what it has used so far counts less and less
    allowed: bool


def count(subjects: Sequence[Subject], processes: int) -> list[Count]:
    """Count one request of `subjects`, unless one of them has had enough: then none is counted.

    `processes` is how many count for themselves where the server is away. Raises nothing.
    """
    now = clock.now().timestamp()
    minute, passed = int(now // WINDOW), now % WINDOW / WINDOW
    told = _counted(subjects, minute, passed)
    if told is None:
        subjects = [Subject(each.policy, each.name, max(1, each.limit // processes)) for each in subjects]
        told = _here.counted(subjects, minute)
    refused = any(not _fits(subject, *numbers, passed) for subject, numbers in zip(subjects, told, strict=True))
    if not refused:
        _here.add(subjects, minute)  # also what the server has counted: when it goes, nobody starts anew
    return [
        _as_count(subject, *numbers, passed, refused=refused) for subject, numbers in zip(subjects, told, strict=True)
    ]


class Memory:
    """The counters of this process alone, of those who have asked last."""

    def __init__(self) -> None:
        self._counters: OrderedDict[tuple[str, int], int] = OrderedDict()

    def counted(self, subjects: Sequence[Subject], minute: int) -> list[tuple[int, int]]:
        """What was counted before in this minute and the last one, as the script tells it."""
        numbers = self._counters
        return [(numbers.get((each.key, minute), 0), numbers.get((each.key, minute - 1), 0)) for each in subjects]

    def add(self, subjects: Sequence[Subject], minute: int) -> None:
        """Count one request more of each."""
        for subject in subjects:
            place = subject.key, minute
            self._counters[place] = self._counters.get(place, 0) + 1
            self._counters.move_to_end(place)
        while len(self._counters) > REMEMBERED:
            self._counters.popitem(last=False)


_here = Memory()
_scripts: dict[int, Script] = {}
_away_until = [0.0]
_turns = threading.Semaphore(AT_ONCE)


def _counted(subjects: Sequence[Subject], minute: int, passed: float) -> list[tuple[int, int]] | None:
    """What the server has counted so far, or None where it is away."""
    keys = [f"{each.key}:{number}" for number in (minute, minute - 1) for each in subjects]
    with _turns:
        if time.monotonic() < _away_until[0]:
            return None
        client = valkey.client()
        script = _scripts.setdefault(id(client), client.register_script(_COUNT))
        try:
            told = script(keys, [*(each.limit for each in subjects), WINDOW, 1 - passed])
        except (RedisError, OSError) as away:
            _away_until[0] = time.monotonic() + ASK_AGAIN_AFTER
            log.warning("rate_limits.counted_here", error=type(away).__name__)
            return None
    return list(zip(told[::2], told[1::2], strict=True))


def _fits(subject: Subject, now: int, before: int, passed: float) -> bool:
    return math.floor(before * (1 - passed)) + now < subject.limit


def _as_count(subject: Subject, now: int, before: int, passed: float, *, refused: bool) -> Count:
    used = math.floor(before * (1 - passed)) + now
    fits = used < subject.limit
    left = max(0, subject.limit - used - (0 if refused else 1))
    wait = _seconds(1 - passed) if fits else _wait(subject.limit, now, before, passed)
    return Count(subject.policy, subject.limit, left, max(1, wait), fits)


def _wait(limit: int, now: int, before: int, passed: float) -> int:
    """Seconds until the window has moved on so far that one more request fits into it."""
    if now < limit:  # what is too much is of the minute before, and counts less with every second
        return _seconds(1 - (limit - now) / before - passed) + 1
    return _seconds(1 - passed + 1 - limit / now) + 1


def _seconds(windows: float) -> int:
    """Whole seconds, at least as long as this part of a window."""
    return math.ceil(round(windows * WINDOW, 6))
