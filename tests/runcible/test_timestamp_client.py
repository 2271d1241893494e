"""Authorities that are down, slow, lying or flooding, each a real server on this machine."""

import socket
import threading
from contextlib import contextmanager

import pytest

from runcible.certification import timestamps
from runcible.certification.timestamp_client import http_ask
from runcible.errors import TimestampUnavailable

MESSAGE = b"the bytes of a signature"


def reply(body, *, status="200 OK", kind="application/timestamp-reply", more="", length=None):
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{more}Connection: close\r\n\r\n"
    return head.encode() + body


@contextmanager
def authority(answer):
    """Serve one connection: `answer(request)` yields the pieces to send. Gives the URL and what was received."""
    listener = socket.create_server(("127.0.0.1", 0))
    received = []

    def serve():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65_536)
                if not piece:
                    return
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < size:
                body += connection.recv(65_536)
            received.append((head, body))
            try:
                for piece in answer(body):
                    connection.sendall(piece)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/tsa?x=1", received
    finally:
        listener.close()
        thread.join(5)


def test_it_asks_as_the_rfc_says_and_returns_the_body(ring, trust_root, noon):
    with authority(lambda request: [reply(ring.tsa.answer(request, at=noon))]) as (url, received):
        stamp = timestamps.obtain(MESSAGE, ask=http_ask(url), trust_root=trust_root, clock=lambda: noon)
    assert stamp.gen_time == noon
    head = received[0][0].decode()
    assert head.startswith("POST /tsa?x=1 HTTP/1.1\r\n")
    assert "Content-Type: application/timestamp-query" in head


def test_an_answer_in_chunks_and_pieces_is_put_together():
    pieces = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply; x=y\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\n",
    ]
    pieces += [b"abc\r\n", b"2\r\nde\r\n0\r\n\r\n"]
    with authority(lambda request: pieces) as (url, _):
        assert http_ask(url)(b"question") == b"abcde"


FAULTS = {
    "an error": [reply(b"busy", status="500 Internal Server Error")],
    "a redirect": [reply(b"", status="302 Found", more="Location: http://127.0.0.1:1/\r\n")],
    "a page": [reply(b"<html>", kind="text/html")],
    "not HTTP": [b"220 smtp ready\r\n"],
    "nothing": [],
    "half an answer": [reply(b"abc", length=100)],
    "half a chunk": [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"
    ],
    "too much": [reply(b"x" * 70_000)],
    "a flood": (b"x" * 65_536 for _ in range(160)),
    "endless headers": [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_authority_is_told_as_unavailable(fault):
    with authority(lambda request: FAULTS[fault]) as (url, _), pytest.raises(TimestampUnavailable):
        http_ask(url)(b"question")


def test_an_authority_that_drips_is_left_before_it_has_answered():
    stop = threading.Event()

    def drip(request):
        yield reply(b"", length=1000)
        for _byte in range(1000):
            stop.wait(0.05)
            yield b"x"

    with authority(drip) as (url, _):
        with pytest.raises(TimestampUnavailable):
            http_ask(url, seconds=0.5)(b"question")
        stop.set()


def test_an_authority_that_is_silent_is_left_before_it_has_answered():
    stop = threading.Event()

    def silent(request):
        stop.wait(30)
        return [reply(b"an answer")]

    with authority(silent) as (url, _):
        with pytest.raises(TimestampUnavailable):
            http_ask(url, seconds=0.3)(b"question")
        stop.set()


def test_an_authority_that_is_down_is_told():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(TimestampUnavailable):
        http_ask(f"http://127.0.0.1:{port}/")(b"question")


def test_a_host_that_does_not_speak_tls_is_told():
    with authority(lambda request: [reply(b"x")]) as (url, _), pytest.raises(TimestampUnavailable):
        http_ask(url.replace("http:", "https:"), seconds=0.3)(b"question")


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with authority(lambda request: [reply(b"direct")]) as (url, _):
        assert http_ask(url)(b"question") == b"direct"


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "http://", "tsa.example.com", "http://user:pass@tsa.example.com/", "file:///etc/passwd"]
)
def test_only_web_addresses_are_asked(url):
    with pytest.raises(ValueError):
        http_ask(url)
