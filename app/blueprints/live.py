"""The socket over which pages will be told what changed. For now it says hello and answers heartbeats."""

from __future__ import annotations

import json

from flask import Flask, current_app, request, session
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from app.core.heartbeats import beat_forever
from app.core.ids import new_secret_id
from app.web.door import public
from runcible.errors import StrictJsonError
from runcible.strict_json import loads_object

LARGEST_MESSAGE = 64 * 1024
SIGNED_OUT, NOT_UNDERSTOOD = 4401, 1007


def init_app(app: Flask) -> None:
    """Take sockets at /live from signed-in people on our own pages, and say that this process lives."""
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": LARGEST_MESSAGE}
    app.before_request(_check_origin)
    sock = Sock(app)
    sock.route("/live")(live)
    app.view_functions["live"] = public(app.view_functions["live"])
    beat_forever("live")


def live(socket: Server) -> None:
    """One browser's socket: hello, then heartbeats until it goes."""
    if session.person is None:
        socket.close(SIGNED_OUT, "Sign in first.")
        return
    try:
        socket.send(json.dumps({"event": "hello", "id": str(new_secret_id())}))
        while True:
            _answer(socket, socket.receive())
    except ConnectionClosed:
        return


def _answer(socket: Server, message: str | bytes) -> None:
    try:
        event = loads_object(message.encode() if isinstance(message, str) else b"").get("event")
    except StrictJsonError:
        socket.close(NOT_UNDERSTOOD, "Messages are JSON objects.")
        raise ConnectionClosed(NOT_UNDERSTOOD) from None
    socket.send('{"event":"heartbeat"}' if event == "heartbeat" else '{"event":"error","code":"UNKNOWN_EVENT"}')


def _check_origin():
    """A page of somebody else must not open a socket with our visitor's cookie."""
    if request.path == "/live" and request.headers.get("Origin") not in current_app.config["ORIGINS"]:
        return "Sockets are for our own pages.", 403
    return None
