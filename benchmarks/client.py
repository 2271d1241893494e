"""A load generator of our own, for machines without wrk: one process, connections kept open, only lengths parsed.

`python -m benchmarks.client` reads one request as JSON on its standard input and writes what came of it.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Connection:
    """One kept-open connection with one request at a time under way."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        """Send the next request. It is small enough to go at once."""
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """Read what is there; the status once the whole answer is. Raises ConnectionError where the server hung up."""
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.received += chunk
        head_ends = self.received.find(b"\r\n\r\n")
        if head_ends < 0:
            return None
        length = _LENGTH.search(self.received, 0, head_ends + 2)
        whole = head_ends + 4 + (int(length[1]) if length else 0)
        return int(self.received[9:12]) if len(self.received) >= whole else None


def run(
    host: str, port: int, request: bytes, *, connections: int, seconds: float, at_most: int = sys.maxsize
) -> dict[str, Any]:
    """Send `request` again and again for `seconds`, or `at_most` times. Latencies are in milliseconds."""
    latencies: list[float] = []
    wrong = 0
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for _ in range(min(connections, at_most)):
            connection = Connection(socket.create_connection((host, port)))
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
        started = len(selector.get_map())
        while selector.get_map():
            for key, _events in selector.select(30):
                status = key.data.read()
                if status is None:
                    continue
                now = time.perf_counter()
                latencies.append((now - key.data.sent_at) * 1000)
                wrong += not 200 <= status < 400
                if now - began < seconds and started < at_most:
                    key.data.send(request)
                    started += 1
                else:
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
        took = time.perf_counter() - began
    return {"requests": len(latencies), "seconds": took, "wrong": wrong} | percentiles(latencies)


def percentiles(latencies: list[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile."""
    ranked = sorted(latencies)
    return {f"p{share}": ranked[min(len(ranked) - 1, len(ranked) * share // 100)] for share in (50, 95, 99)}


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire."""
    told = {**headers, "Content-Length": str(len(body))} if body else headers
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


if __name__ == "__main__":
    given = json.load(sys.stdin)
    request = request_bytes(given["method"], given["path"], given["headers"], given["body"].encode())
    more = {name: given[name] for name in ("connections", "seconds", "at_most") if name in given}
    print(json.dumps(run(given["host"], given["port"], request, **more)))
