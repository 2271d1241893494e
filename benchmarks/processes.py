"""What the operating system says that a tree of processes has used."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def cpu_seconds(root: int) -> float | None:
    """User and system time of a process, of all that it started and of what those have waited for.

    None where there is no /proc. Counted in clock ticks, mostly 10 ms.
    """
    if not PROC.is_dir():
        return None
    ticks = sum(sum(int(each) for each in stat[11:15]) for stat in _tree(root))
    return ticks / os.sysconf("SC_CLK_TCK")


def _tree(root: int) -> list[list[str]]:
    """The statistics of a process and of everything beneath it; fields as proc(5) has them, without pid and name."""
    stats = {int(path.parent.name): fields for path in PROC.glob("[0-9]*/stat") if (fields := _read(path))}
    found, parents = [], {root}
    while parents:
        found += [stats[pid] for pid in parents if pid in stats]
        parents = {pid for pid, fields in stats.items() if int(fields[1]) in parents}
    return found


def _read(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()  # the name in brackets may hold anything
    except OSError:
        return []
