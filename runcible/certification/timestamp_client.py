"""Ask a time-stamping authority over HTTP (RFC 3161 section 3.4): the only network connection of this package.

The URL comes from the operator's configuration, never from a request. One connection, no redirect, no proxy from the
environment, ten seconds for everything, 64 KiB at most: an authority that drips or floods costs nothing.
"""

import socket
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from runcible.certification.timestamps import LARGEST_RESPONSE
from runcible.errors import TimestampUnavailable

SECONDS = 10.0
_LARGEST_HEAD = 16_384


def http_ask(url: str, *, seconds: float = SECONDS) -> Callable[[bytes], bytes]:
    """Return a function that posts a DER TimeStampReq to `url` and returns the body of the answer.

    It raises TimestampUnavailable for whatever keeps it from one. Raises ValueError here for a URL that is no
    http or https address, or that carries a user name.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("the address of a time-stamping authority must begin with http:// or https://")
    return lambda request: _ask(parts, request, time.monotonic() + seconds)


def _ask(parts: SplitResult, request: bytes, until: float) -> bytes:
    try:
        with _connect(parts, until) as connection:
            connection.sendall(_head(parts, len(request)) + request)
            received = _receive(connection, until)
        return _body(received)
    except (OSError, HTTPException, ValueError) as failed:
        raise TimestampUnavailable(f"The time-stamping authority did not answer: {failed}") from failed


def _connect(parts: SplitResult, until: float) -> socket.socket:
    host = cast(str, parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = socket.create_connection((host, port), timeout=_left(until))
    if parts.scheme == "http":
        return connection
    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _head(parts: SplitResult, length: int) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/timestamp-query",
        f"Content-Length: {length}",
        "Accept: application/timestamp-reply",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _receive(connection: socket.socket, until: float) -> bytes:
    """Everything until the other side closes, within the time and the size."""
    received = bytearray()
    while len(received) <= LARGEST_RESPONSE + _LARGEST_HEAD:
        connection.settimeout(_left(until))
        piece = connection.recv(16_384)
        if not piece:
            return bytes(received)
        received += piece
    raise ValueError("the answer is too large")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


class _Received:
    """Bytes that look like a socket to the HTTP reader."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any, **__: Any) -> BytesIO:
        return BytesIO(self._data)


def _body(received: bytes) -> bytes:
    response = HTTPResponse(cast(socket.socket, _Received(received)), method="POST")
    response.begin()
    if response.status != 200:
        raise ValueError(f"it answered with HTTP status {response.status}")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/timestamp-reply":
        raise ValueError("its answer is not a time-stamp reply")
    body = response.read(LARGEST_RESPONSE + 1)
    if len(body) > LARGEST_RESPONSE:
        raise ValueError("the answer is too large")
    if response.length:
        raise ValueError("the answer was cut off")
    return body
