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


def memory(root: int) -> int:
    """Bytes of memory of a process and of everything beneath it; of what several share each has a part."""
    return sum(_share(pid) for pid in _pids(root)) * 1024


def _share(pid: int) -> int:
    """The proportional share of a process in kB, as /proc tells it; 0 where it has just ended."""
    try:
        told = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")), 0)


def _pids(root: int) -> list[int]:
    """A process and everything beneath it."""
    parents = {int(path.parent.name): int(fields[1]) for path in PROC.glob("[0-9]*/stat") if (fields := _read(path))}
    found = [root]
    for each in found:
        found += [pid for pid, parent in parents.items() if parent == each]
    return found


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
