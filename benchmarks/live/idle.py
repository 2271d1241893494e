"""What a socket costs that nobody tells anything."""

from __future__ import annotations

from typing import Any

from benchmarks import processes
from benchmarks.live.crowd import Crowd
from benchmarks.live.place import Place

WARM_UP = 50  # sockets after which everything is loaded that is only loaded once
SETTLE = 2.0  # seconds in which rubbish is collected


def measure(place: Place, crowd: Crowd, sockets: int, followers: int) -> dict[str, Any]:
    """Open so many, of which `followers` follow a task and the others a program; they stay open."""
    of_task = min(sockets, followers)
    others = place.clients(sockets - of_task, place.quiet, first=of_task)
    clients = [*place.clients(of_task, place.word), *others]
    warm = min(WARM_UP, sockets // 2)
    crowd.open(clients[:warm])
    crowd.loop.rest(SETTLE)
    before = processes.memory(place.running.pid("live"))
    crowd.open(clients[warm:])
    crowd.loop.rest(SETTLE)
    after = processes.memory(place.running.pid("live"))
    return {
        "sockets": sockets,
        "kB": (after - before) / (sockets - warm) / 1024,
        "MB": after / 2**20,
        "refused": crowd.refused,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    return [
        "| sockets open | memory of the live process | for each | refused at first (503) |",
        "| --- | --- | --- | --- |",
        f"| {found['sockets']:,} | {found['MB']:.0f} MB | {found['kB']:.1f} kB | {found['refused']} |",
    ]
