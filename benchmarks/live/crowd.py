"""Many browsers' sockets, as app/static/js/line.js holds one: they follow channels, answer pings, and come back."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.local.home import ROOT, LocalError
from app.web.sockets import SIGNED_OUT
from benchmarks.client import request_bytes
from benchmarks.live.loop import READ, WRITE, Loop

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
ABNORMAL = 1006
AT_ONCE = 20  # sockets that come at the same time, where it is not about coming
SMALL = 2048  # bytes, of the buffer of whoever does not read
SHORTEST = 536  # bytes in a segment: what waits for such a client is little before the system takes no more


def _pauses() -> tuple[float, float, dict[int, float]]:
    """Seconds before a browser comes back as its script has them: at first, at most, and at least after some codes."""
    script = (ROOT / "app" / "static" / "js" / "pause.js").read_text()
    waits = re.search(r"WAIT_MS = \[(\d+), (\d+)\]", script)
    at_least = re.search(r"AT_LEAST_MS = \{ (.*) \}", script)
    assert waits is not None, "pause.js waits otherwise now"
    assert at_least is not None, "pause.js waits otherwise now"
    codes = re.findall(r"(\d+): (\d+)", at_least[1])
    return int(waits[1]) / 1000, int(waits[2]) / 1000, {int(code): int(wait) / 1000 for code, wait in codes}


@dataclass(eq=False)
class Client:
    """One browser: who it is, what it wants, and how far it has come."""

    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    channels: Sequence[str] = ()
    is_slow: bool = False  # takes in little at a time: to be one that stalls
    tries: int = 0
    connection: socket.socket = field(default_factory=socket.socket)
    received: bytearray = field(default_factory=bytearray)
    is_open: bool = False
    followed: int = 0

    @property
    def is_ready(self) -> bool:
        """Whether it follows all that it wants."""
        return self.is_open and self.followed >= len(self.channels)

    def begin(self) -> None:
        """Be nowhere yet, with a connection of its own."""
        self.connection.close()
        self.connection = socket.socket()
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_slow:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SHORTEST)
        self.received, self.is_open, self.followed = bytearray(), False, 0

    def handshake(self) -> bytes:
        """RFC 6455, section 4.1."""
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        return request_bytes("GET", self.path, {**self.headers, **upgrade, "Sec-WebSocket-Key": key}, b"")

    def send(self, kind: int, content: bytes) -> None:
        """One frame, small enough to go at once. The mask is one that changes nothing."""
        size = len(content)
        told = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        self.connection.send(bytes([0x80 | kind]) + told + bytes(4) + content)

    def subscribe(self, channel: str) -> None:
        """Ask for a channel."""
        self.send(TEXT, json.dumps({"event": "subscribe", "channel": channel}).encode())

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Kind and content of each frame that is whole."""
        while len(self.received) >= 2:
            size, begins = self.received[1] & 0x7F, 2
            if size == 126:
                size, begins = int.from_bytes(self.received[2:4]), 4
            if len(self.received) < begins + size:
                return
            kind, content = self.received[0] & 0x0F, bytes(self.received[begins : begins + size])
            del self.received[: begins + size]
            yield kind, content


class Crowd:
    """The sockets to one server."""

    def __init__(self, port: int) -> None:
        self.loop, self.address = Loop(), ("127.0.0.1", port)
        self.clients: list[Client] = []
        self.ready: set[Client] = set()
        self.comes_back = False
        self.refused = 0  # by a server that has too much to do: such a browser comes again later
        self.ended: dict[int, int] = {}  # how many were let go with which code
        self.came: list[float] = []  # when connections were asked for, and when sockets were greeted
        self.greeted: list[float] = []
        self.hear: Callable[[Client, bytes, float], None] = lambda _client, _content, _at: None
        self._first, self._most, self._at_least = _pauses()

    def open(self, clients: Sequence[Client], at_once: int = AT_ONCE) -> None:
        """Have them come, some at a time, and wait until each follows what it wants. Raises LocalError."""
        before = len(self.ready)
        for number, client in enumerate(clients, 1):
            self.clients.append(client)
            self.connect(client)
            self.loop.until(partial(self._has, before + number - at_once), "sockets to come")
        self.loop.until(partial(self._has, before + len(clients)), "all sockets to come")

    def follow(self, clients: Sequence[Client], channel: str) -> None:
        """Have some of them follow one channel more. Raises LocalError."""
        for client in clients:
            client.channels = [*client.channels, channel]
            client.subscribe(channel)
        self.loop.until(lambda: all(client.is_ready for client in clients), "sockets to follow one channel more")

    def close(self) -> None:
        """Have all of them go."""
        for client in self.clients:
            self.loop.forget(client.connection)
            client.connection.close()
        self.clients.clear()
        self.ready.clear()

    def connect(self, client: Client) -> None:
        """Have one come, or come again."""
        client.begin()
        self.came.append(time.perf_counter())
        client.connection.connect_ex(self.address)
        self.loop.watch(client.connection, WRITE, partial(self._connected, client))

    def _has(self, number: int) -> bool:
        return len(self.ready) >= number

    def _connected(self, client: Client) -> None:
        try:
            client.connection.send(client.handshake())
        except OSError:  # nobody listens
            self._lost(client, ABNORMAL)
        else:
            self.loop.watch(client.connection, READ, partial(self._readable, client))

    def _readable(self, client: Client) -> None:
        try:
            more = client.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        now = time.perf_counter()
        if not more:
            self._lost(client, ABNORMAL)
            return
        client.received += more
        if client.is_open or self._opened(client):
            for kind, content in client.frames():
                self._heard(client, kind, content, now)
                if not client.is_open:  # what comes after a farewell is for nobody
                    return

    def _opened(self, client: Client) -> bool:
        ends = client.received.find(b"\r\n\r\n")
        if ends < 0:
            return False
        if client.received.startswith(b"HTTP/1.1 503"):
            self.refused += 1
            self._come_again(client, ABNORMAL)
            return False
        if not client.received.startswith(b"HTTP/1.1 101"):
            raise LocalError(f"A socket was refused: {client.received[:200].decode(errors='replace')}")
        del client.received[: ends + 4]
        client.is_open = True
        self._look_at(client)
        return True

    def _heard(self, client: Client, kind: int, content: bytes, now: float) -> None:
        if kind == PING:
            client.send(PONG, content)
        elif kind == CLOSE:
            self._lost(client, int.from_bytes(content[:2]) or ABNORMAL)
        elif content.startswith(b'{"event": "hello"'):
            self.greeted.append(now)
            client.tries = 0
            for channel in client.channels:
                client.subscribe(channel)
        elif content.startswith(b'{"event": "subscribed"'):
            client.followed += 1
            self._look_at(client)
        else:
            self.hear(client, content, now)

    def _look_at(self, client: Client) -> None:
        if client.is_ready:
            self.ready.add(client)

    def _lost(self, client: Client, code: int) -> None:
        self.ended[code] = self.ended.get(code, 0) + 1
        if not self.comes_back or code == SIGNED_OUT:
            raise LocalError(f"A socket was let go with {code}, where nothing should end it.")
        self._come_again(client, code)

    def _come_again(self, client: Client, code: int) -> None:
        self.loop.forget(client.connection)
        client.connection.close()
        self.ready.discard(client)
        client.is_open = False
        client.tries += 1
        self.loop.after(self._pause(client, code), partial(self.connect, client))

    def _pause(self, client: Client, code: int) -> float:
        about = max(self._at_least.get(code, 0), min(self._most, self._first * 2 ** (client.tries - 1)))
        return about * (0.5 + random.random())
