"""Everybody loses the line at once, and comes back as the script of a page does."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from app.local.home import LocalError
from benchmarks.live.crowd import Crowd
from benchmarks.live.place import Place

PATIENCE = 60.0  # seconds


def measure(place: Place, number: int) -> dict[str, Any]:
    """Kill the live process under so many sockets, have it started anew, and wait until all follow again."""
    crowd = Crowd(place.running.address.live_port)
    crowd.open(place.clients(number, place.word, each=-(-number // (len(place.cookies) - 1))))
    crowd.comes_back = True
    crowd.came.clear()
    crowd.greeted.clear()
    crowd.ended.clear()
    crowd.refused = 0
    began = time.perf_counter()
    os.kill(place.running.pid("live"), signal.SIGKILL)  # the supervisor takes its children along, and starts it again
    crowd.loop.until(lambda: len(crowd.ready) < number, "the sockets to be lost")

    used: list[float] = []  # by the live process, since the first is back

    def are_back() -> bool:
        crowd.loop.turn()
        if crowd.greeted and not used:
            used.append(place.running.cpu("live") or 0)
        return len(crowd.ready) == number

    try:
        place.running.wait(are_back, "all sockets to be back", seconds=PATIENCE)
    except LocalError as reason:
        raise LocalError(f"{len(crowd.ready)} of {number} were back; ended: {crowd.ended}. {reason}") from reason
    ended = time.perf_counter()
    used.append(place.running.cpu("live") or 0)
    crowd.close()
    return {
        "sockets": number,
        "since_killed": ended - began,
        "since_first": ended - crowd.greeted[0],
        "first": crowd.greeted[0] - began,
        "cpu": (used[-1] - used[0]) / number * 1000,
        "ended": crowd.ended,
        "refused": crowd.refused,
        "most_tries": _most_in_a_second(crowd.came),
        "most_greeted": _most_in_a_second(crowd.greeted),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    return [
        "| sockets | first one back | all back, since the process was killed | since the first was back"
        " | CPU for each | most tries in a second | most greeted in a second | refused (503) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| {found['sockets']} | {found['first']:.1f} s | {found['since_killed']:.1f} s | {found['since_first']:.1f} s"
        f" | {found['cpu']:.1f} ms | {found['most_tries']} | {found['most_greeted']} | {found['refused']} |",
    ]


def _most_in_a_second(moments: list[float]) -> int:
    """How many fell into the fullest second, wherever it begins."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > 1:
            first += 1
        most = max(most, last - first + 1)
    return most
