"""A time-stamping authority over HTTP (RFC 3161 section 3.4) that can be told to misbehave."""

from __future__ import annotations

import http.server
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import tsp

from app.local.ports import choose_port
from runcible.certification.tsa import TimeStampAuthority

DRIP = 0.5  # seconds between two bytes


class Authority:
    """The built-in authority behind a port; `behave("lies about the time")` changes its manners at once."""

    def __init__(self, tsa: TimeStampAuthority) -> None:
        self.tsa, self.port, self.asked = tsa, choose_port(), Counter[str]()
        self._manner = "honest"
        self._server: http.server.ThreadingHTTPServer | None = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """What TSA_URL names."""
        return f"http://127.0.0.1:{self.port}/tsa"

    def behave(self, manner: str) -> None:
        """From now on do as MANNERS says; `away` takes no connections at all."""
        self._manner = manner
        if manner == "away":
            self.close()
        elif self._server is None:
            self._open()

    def close(self) -> None:
        """Take no connections any more."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request in the manner of the moment."""
        request = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.asked[self._manner] += 1
        status, kind, body = MANNERS[self._manner](self.tsa, request)
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self._manner == "drips":
            self._drip(handler, body)
        else:
            handler.wfile.write(body)

    def _drip(self, handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        for byte in body:
            if self._stopping.wait(DRIP):
                return
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return  # the other side has had enough

    def _open(self) -> None:
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.answer(self)

            def log_message(self, *_arguments: Any) -> None:
                return

        self._stopping.clear()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()


REPLY = "application/timestamp-reply"


def honest(tsa: TimeStampAuthority, request: bytes) -> tuple[int, str, bytes]:
    """A token for this request, at the present time."""
    return 200, REPLY, tsa.answer(request, at=datetime.now(UTC))


def _with(request: bytes, **changed: Any) -> bytes:
    """The request with other parts."""
    asked = tsp.TimeStampReq.load(request)
    parts = {name: asked[name] for name in ("version", "message_imprint", "nonce", "cert_req")}
    return bytes(tsp.TimeStampReq(parts | changed).dump())


def _later(days: int) -> Any:
    return lambda tsa, request: (200, REPLY, tsa.answer(request, at=datetime.now(UTC) + timedelta(days=days)))


def _about_something_else(tsa: TimeStampAuthority, request: bytes) -> tuple[int, str, bytes]:
    imprint = tsp.MessageImprint({"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)})
    return honest(tsa, _with(request, message_imprint=imprint))


def _for_somebody_else(tsa: TimeStampAuthority, request: bytes) -> tuple[int, str, bytes]:
    return honest(tsa, _with(request, nonce=2**63 + 7))


def _cut_off(tsa: TimeStampAuthority, request: bytes) -> tuple[int, str, bytes]:
    status, kind, body = honest(tsa, request)
    return status, kind, body[: len(body) // 2]


def _flipped(tsa: TimeStampAuthority, request: bytes) -> tuple[int, str, bytes]:
    status, kind, body = honest(tsa, request)
    return status, kind, body[:-1] + bytes([body[-1] ^ 1])


MANNERS: dict[str, Any] = {
    "honest": honest,
    "away": None,
    "is broken": lambda tsa, request: (500, "text/plain", b"Internal Server Error"),
    "is a web page": lambda tsa, request: (200, "text/html", b"<html><body>Welcome to our portal</body></html>"),
    "says nothing": lambda tsa, request: (200, REPLY, b""),
    "refuses": lambda tsa, request: (200, REPLY, tsa.answer(b"not a request", at=datetime.now(UTC))),
    "floods": lambda tsa, request: (200, REPLY, bytes(1_000_000)),
    "breaks off": _cut_off,
    "flips a bit": _flipped,
    "answers somebody else": _for_somebody_else,
    "stamps something else": _about_something_else,
    "is ten days ahead": _later(10),
    "is ten days behind": _later(-10),
    "drips": honest,
}
