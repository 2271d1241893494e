"""`make bench-live`: measure sockets, boards and the workspace, print tables, and keep the figures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error as BrowserError

from app import create_app
from app.local.home import LocalError
from app.local.supervisor import StopRequestedError
from benchmarks import machine, stack
from benchmarks.__main__ import keep, say
from benchmarks.live import broadcast, drop, idle, place, reconnect, windows, workspace
from benchmarks.live.crowd import Crowd
from benchmarks.live.place import Place

PARTS = ("idle", "broadcast", "reconnect", "drop", "windows", "workspace")
SETTLE = 2.0  # seconds in which the live process forgets sockets that are closed


def main() -> int:
    """Measure what was asked for and return the exit code."""
    given = arguments()
    found: dict[str, Any] = {"machine": machine.description()}
    say(f"load {found['machine']['load_before']} before the start, {machine.cores()} cores")
    failed = False
    given.sockets = files_for(given.sockets)
    try:
        with stack.running() as running:
            app = create_app("web", **running.settings)
            people = place.people_for(max(given.sockets, given.followers))
            say(f"letting in {people} people")
            measure(place.make(running, app, max(people, given.people + 1)), given, found)
    except (LocalError, BrowserError) as reason:
        print(f"\n{reason}", file=sys.stderr)
        failed = True
    except StopRequestedError:
        print("Stopped.", file=sys.stderr)
        return 1
    found["load_after"] = round(os.getloadavg()[0], 2)
    print(f"\nload {found['machine']['load_before']} to {found['load_after']}. Kept in {keep(found)}")
    return int(failed)


def arguments() -> argparse.Namespace:
    """What to measure, and how much of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"what to measure: {', '.join(PARTS)}")
    numbers = {
        "sockets": (5000, "open on one live process"),
        "followers": (1000, "that hear of an announcement"),
        "rounds": (20, "announcements for each side"),
        "returning": (300, "sockets that come back after the live process was killed"),
        "people": (50, "on a board"),
        "moves": (30, "of a card on it"),
        "opens": (20, "of a panel"),
    }
    for name, (number, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=number, help=f"{what} ({number})")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part called {', '.join(sorted(unknown))}")
    return given


def files_for(sockets: int) -> int:
    """How many sockets there will be: as many as asked for, where the system allows so many open files."""
    allowed = place.allow_files(sockets)
    if allowed < sockets:
        say(f"This system allows no more than {allowed:,} sockets here (ulimit -n): so many instead of {sockets:,}.")
    return allowed


def measure(where: Place, given: argparse.Namespace, found: dict[str, Any]) -> None:
    """Every part that was asked for, in order, each told as soon as it is there."""

    def part(name: str, module: Any, what: str, act: Callable[[], dict[str, Any]]) -> None:
        if name in given.parts:
            say(what)
            found[name] = act() | {"load": os.getloadavg()[0]}
            print("\n".join(["", *module.lines(found[name]), "", f"load {os.getloadavg()[0]:.1f}"]), flush=True)

    sockets, followers = given.sockets, given.followers
    crowd = Crowd(where.running.address.live_port)
    part("idle", idle, f"opening {sockets:,} sockets", lambda: idle.measure(where, crowd, sockets, followers))
    part(
        "broadcast",
        broadcast,
        f"telling {followers:,} sockets",
        lambda: broadcast.measure(where, crowd, followers, given.rounds),
    )
    crowd.close()
    crowd.loop.rest(SETTLE)
    part("reconnect", reconnect, "killing the live process", lambda: reconnect.measure(where, given.returning))
    part("drop", drop, "moving cards", lambda: drop.measure(where, given.people, given.moves))
    part("windows", windows, "moving cards in two windows", lambda: windows.measure(where, given.moves // 2))
    part("workspace", workspace, "opening panels", lambda: workspace.measure(where, given.opens))


if __name__ == "__main__":
    sys.exit(main())
