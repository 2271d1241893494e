"""What the person at the terminal sees: one line at a time, each with the process that wrote it in front."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections import defaultdict, deque
from typing import Any, TextIO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
OWN_NAME = "oversing"
TOLD_ELSEWHERE = {"event", "level", "timestamp", "time", "logger"}
KEPT_LINES = 20


class Console:
    """Prints lines with a prefix, in colour on a terminal only, and remembers the last ones of each process."""

    def __init__(self, stream: TextIO | None = None, *, only_own: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.only_own = only_own
        self.broken = False
        self.recent: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT_LINES))
        self._colours: dict[str, int] = {}
        self._coloured = self.stream.isatty()

    def say(self, text: str) -> None:
        """Print what the supervisor itself has to tell."""
        for line in text.splitlines():
            self._print(OWN_NAME, line)

    def line(self, name: str, text: str) -> None:
        """Print one line that a process wrote."""
        shown = readable(text)
        self.recent[name].append(shown)
        if not self.only_own:
            self._print(name, shown)

    def _print(self, name: str, text: str) -> None:
        prefix = f"{time.strftime('%H:%M:%S')} {name:<8} |"
        if self._coloured:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            prefix = f"\033[{colour}m{prefix}\033[0m"
        try:
            print(prefix, text, file=self.stream, flush=True)
        except (OSError, ValueError):
            self._give_up()

    def _give_up(self) -> None:
        """Write to nowhere from now on: nobody reads any more. The supervisor takes that as a wish to stop."""
        self.broken = True
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


def readable(text: str) -> str:
    """Turn a line into something for people: JSON log lines unfolded, nothing that could steer the terminal."""
    if text.startswith("{"):
        text = unfolded(text)
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in text)


def unfolded(text: str) -> str:
    """Turn `{"event": "served", "level": "info", "status": 200}` into `served status=200`; leave the rest alone."""
    try:
        entry: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(entry, dict) or "event" not in entry:
        return text
    level = str(entry.get("level", "info"))
    words = [] if level == "info" else [level.upper()]
    words.append(str(entry["event"]))
    words += [f"{key}={value}" for key, value in entry.items() if key not in TOLD_ELSEWHERE and value not in (None, "")]
    return " ".join(words)
