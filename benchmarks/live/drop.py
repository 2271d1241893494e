"""From the drop of a card to the board of somebody else: in the frame that tells of it, and as boards did that asked.

Over HTTP, the stream and a socket; and HTTP again for those who ask.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from app.local.home import ROOT, LocalError
from benchmarks.client import Connection, percentiles, request_bytes
from benchmarks.live.crowd import Client, Crowd
from benchmarks.live.loop import READ, Loop
from benchmarks.live.place import Place

SETTLE = 2.0  # seconds in which the live process forgets sockets that are closed
PAUSE = 0.4  # seconds after a move, in which everything that it has caused comes to its end
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class Asked:
    """One request on a connection of its own, as the loop goes on."""

    def __init__(self, loop: Loop, port: int, request: bytes, done: Callable[[float], None]) -> None:
        self._loop, self._done = loop, done
        self._connection = Connection(socket.create_connection(("127.0.0.1", port)))
        self._connection.send(request)
        loop.watch(self._connection.socket, READ, self._read)

    def _read(self) -> None:
        status = self._connection.read()
        if status is None:
            return
        self._loop.forget(self._connection.socket)
        self._connection.socket.close()
        if status != 200:
            raise LocalError(f"The board answered {status}: {bytes(self._connection.received[-300:]).decode()}")
        self._done(time.perf_counter())


class Board:
    """People who look at a board, and one of them who moves a card."""

    def __init__(self, place: Place, people: int, channel: str) -> None:
        self.place, self.crowd = place, Crowd(place.running.address.live_port)
        self.crowd.open(place.clients(people, channel, each=-(-people // (len(place.cookies) - 1))))
        self.crowd.hear = self._hear
        self.mover, *self.others = self.crowd.clients
        self.waits: tuple[float, float] = (0.0, 0.0)
        self.asking: set[Client] = set()  # who asks for the board once they are told
        self.poked: dict[Client, float] = {}
        self.shown: list[float] = []
        self.answered: list[float] = []

    def measure(self, asking: list[Client], waits: tuple[float, float], moves: int) -> dict[str, Any]:
        """Move a card so many times: how long until the others were told, and until those who ask had their board."""
        self.asking, self.waits = set(asking), waits
        poked: list[float] = []
        shown: list[float] = []
        for number in range(moves):
            self.poked, self.shown, self.answered = {}, [], []
            began = time.perf_counter()
            self._move(number)
            self.crowd.loop.until(self._is_over, "everybody to see where a card went")
            poked += [(at - began) * 1000 for at in self.poked.values()]
            shown += [(at - began) * 1000 for at in self.shown]
            self.crowd.loop.rest(PAUSE)
        return {"poke": percentiles(poked), "shown": percentiles(shown)}

    def _move(self, number: int) -> None:
        """To below the other card, and back to the top."""
        card, other = self.place.cards
        body = urlencode({"after": "" if number % 2 else other}).encode()
        headers = {**self.mover.headers, **HTMX, "Content-Type": "application/x-www-form-urlencoded"}
        self._ask(request_bytes("POST", f"{self.place.base}/tasks/{card}/place", headers, body), self.answered.append)

    def _hear(self, client: Client, content: bytes, at: float) -> None:
        if b'"event":"task.' not in content or client is self.mover or client in self.poked:
            return
        self.poked[client] = at
        if b'"html":' in content:
            self.shown.append(at)
        elif client in self.asking:
            self.crowd.loop.after(random.uniform(*self.waits), partial(self._refresh, client))

    def _refresh(self, client: Client) -> None:
        path = f"{self.place.base}/programs/{self.place.acme.program_id}/board"
        self._ask(request_bytes("GET", path, {**client.headers, **HTMX}, b""), self.shown.append)

    def _ask(self, request: bytes, done: Callable[[float], None]) -> None:
        Asked(self.crowd.loop, self.place.running.address.port, request, done)

    def _is_over(self) -> bool:
        everybody = len(self.poked) == len(self.others) and len(self.shown) == len(self.asking)
        return everybody and bool(self.answered)


def measure(place: Place, people: int, moves: int) -> dict[str, Any]:
    """Everybody is sent the card; then all are only told, and ask when the script of a page would."""
    found: dict[str, Any] = {"people": people, "moves": moves}
    for kind, channel in (("sent", place.cards_of_board), ("asked", f"task.{place.cards[0]}")):
        board = Board(place, people, channel)
        board.measure(board.others, _waits(), 4)  # what is only slow once
        found[kind] = board.measure(board.others, _waits(), moves)
        board.crowd.close()
        board.crowd.loop.rest(SETTLE)
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    told = [
        f"{found['moves']} moves of a card, {found['people']} people on the board:",
        "",
        "| | told, p50 | p95 | board there, p50 | p95 |",
        "| --- | --- | --- | --- | --- |",
    ]
    names = {"sent": "the card comes along", "asked": "all ask for the board, each when its script does"}
    for kind, name in names.items():
        cells = [f"{found[kind][what][share]:.0f} ms" for what in ("poke", "shown") for share in ("p50", "p95")]
        told.append(f"| {name} | {' | '.join(cells)} |")
    return told


def _waits() -> tuple[float, float]:
    """Seconds that a page waits before it asks anew, at least and at most."""
    script = (ROOT / "app" / "static" / "js" / "live.js").read_text()
    found = re.search(r"JITTER_MS = \[(\d+), (\d+)\]", script)
    assert found is not None, "live.js waits otherwise now"
    return int(found[1]) / 1000, int(found[2]) / 1000
