"""The socket: for our own pages and signed-in people, and for messages of a size and form that can be read."""

from __future__ import annotations

import base64
import json
import os
import struct
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.security.server import Server, read_answer, request, running

pytestmark = pytest.mark.xdist_group("server")

SIGNED_OUT, NOT_TEXT, NO_JSON, TOO_BIG = 4401, 1003, 1007, 1009
TEXT, BINARY, CLOSE = 0x1, 0x2, 0x8
LARGEST = 64 * 1024


@pytest.fixture(scope="module")
def live(play_stage, tmp_path_factory):
    """The live process. It beats in a corner of Valkey of its own, so that no other test takes it for alive."""
    corner = urlunsplit(urlsplit(play_stage.redis_url)._replace(path="/15"))
    with running(play_stage, tmp_path_factory.mktemp("live"), kind="live", REDIS_URL=corner) as server:
        yield server


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://localhost", "http://localhost.evil.example"]
)
def test_a_page_of_somebody_else_opens_no_socket(live, app, alice, origin):
    with live.connect() as connection:
        connection.sendall(handshake(live, origin, alice.cookie))
        answer = read_answer(connection)
    assert answer.status == 403
    assert alice.actor.name not in answer.text


def test_somebody_signed_in_is_greeted(live, app, alice):
    with opened(live, alice.cookie) as connection:
        assert told(connection)["event"] == "hello"
        send(connection, TEXT, b'{"event":"heartbeat"}')
        assert told(connection) == {"event": "heartbeat"}


@pytest.mark.parametrize("cookie", ["", "nobody-gave-this-out"])
def test_nobody_else_gets_further_than_the_door(live, cookie):
    with opened(live, cookie) as connection:
        assert closing_code(receive(connection)) == SIGNED_OUT


@pytest.mark.parametrize(
    ("kind", "message", "codes"),
    [
        (TEXT, b"no json", {NO_JSON}),
        (TEXT, b"[]", {NO_JSON}),
        (TEXT, b'{"event":"heartbeat","event":"x"}', {NO_JSON}),
        (TEXT, b"[" * 5000, {NO_JSON}),
        (TEXT, b'{"event":"\xff"}', {NO_JSON}),
        (BINARY, b'{"event":"heartbeat"}', {NO_JSON, NOT_TEXT}),
        (TEXT, b"x" * (LARGEST + 1), {TOO_BIG}),
    ],
    ids=["no JSON", "no object", "a key twice", "too deep", "no UTF-8", "binary", "too big"],
)
def test_a_message_that_cannot_be_read_ends_the_socket(live, app, alice, kind, message, codes):
    with opened(live, alice.cookie) as connection:
        receive(connection)
        send(connection, kind, message)
        assert closing_code(receive(connection)) in codes


def test_an_event_that_is_not_known_is_said_to_be_so(live, app, alice):
    with opened(live, alice.cookie) as connection:
        receive(connection)
        send(connection, TEXT, b'{"event":"give me everything"}')
        assert told(connection) == {"event": "error", "code": "UNKNOWN_EVENT"}


def test_no_message_was_a_defect(live):
    assert "Traceback" not in live.log
    assert "request.failed" not in live.log


def handshake(live: Server, origin: str | None, cookie: str, path: str = "/live") -> bytes:
    """RFC 6455, section 4.1."""
    headers = {
        "Host": live.host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    if origin is not None:
        headers["Origin"] = origin
    if cookie:
        headers["Cookie"] = f"sid={cookie}"
    return request("GET", path, headers)


def opened(live: Server, cookie: str, path: str = "/live"):
    """A socket of one of our own pages."""
    connection = live.connect()
    connection.sendall(handshake(live, f"http://{live.host}", cookie, path))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(connection, 1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def send(connection, kind: int, message: bytes) -> None:
    """One masked frame (RFC 6455, section 5.2)."""
    length = len(message)
    if length < 126:
        size = bytes([0x80 | length])
    else:
        size = struct.pack("!BH", 0x80 | 126, length) if length < 2**16 else struct.pack("!BQ", 0x80 | 127, length)
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(message))
    connection.sendall(bytes([0x80 | kind]) + size + mask + masked)


def receive(connection) -> tuple[int, bytes]:
    """Kind and content of the next frame."""
    first, length = exactly(connection, 2)
    if length == 126:
        (length,) = struct.unpack("!H", exactly(connection, 2))
    return first & 0x0F, exactly(connection, length)


def told(connection) -> dict[str, object]:
    """The next message."""
    kind, content = receive(connection)
    assert kind == TEXT
    return dict(json.loads(content))


def exactly(connection, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, "The server hung up without a word."
        data += piece
    return data


def closing_code(frame: tuple[int, bytes]) -> int:
    kind, content = frame
    assert kind == CLOSE, frame
    return int.from_bytes(content[:2], "big")
