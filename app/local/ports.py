"""Ports on the loopback interface for the servers that only this machine talks to."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST, HIGHEST = 20_000, 32_000


def settled_port(remembered: Path) -> int:
    """Return the port written in `remembered` while it is free, else another one, and write that down."""
    try:
        port = int(remembered.read_text())
    except (OSError, ValueError):
        port = 0
    if port and is_free(port):
        return port
    port = choose_port()
    remembered.write_text(f"{port}\n")
    return port


def choose_port() -> int:
    """Return a free port below those that the system gives to outgoing connections.

    Above that line a client which keeps trying to reach a server that is just restarting would sooner or later be given
    the server's own port, and hold it.
    """
    candidates = range(LOWEST, min(HIGHEST, first_outgoing_port()))
    for port in random.sample(candidates, 200):
        if is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


def first_outgoing_port() -> int:
    """Return where the range of ports for outgoing connections begins."""
    try:
        return max(int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]), LOWEST + 1000)
    except (OSError, ValueError, IndexError):
        return HIGHEST


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
