"""How a browser gets a socket: in its turn, as somebody who may hold one. And how it is let go where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from flask import Flask, current_app, request, session
from simple_websocket import ConnectionClosed, Server

from app.core import clock
from app.core.database import db
from app.core.errors import Unavailable
from app.core.transaction import end_reading
from app.queries.socket_holders import Holder, find_tenant_id, welcome
from app.web.errors import as_refusal
from app.web.sockets import COME_AGAIN, SIGNED_OUT, TRY_LATER, Socket
from app.web.turns import Turns
from app.web.wire import WholeFrames

DEFECT = 1011
TURN = "oversing.turn"  # in what a server tells of a request

S = TypeVar("S", bound=Socket)


def init_app(app: Flask) -> None:
    """Have sockets come in turns."""
    turns = app.extensions["turns"] = Turns(app.config["SETTINGS"].database_pool)
    app.wsgi_app = _in_turns(app.wsgi_app, turns)  # type: ignore[method-assign]


def hold_socket(
    server: Server,
    make: Callable[[Server, Holder], S],
    begin: Callable[[S], None],
    hear: Callable[[Socket, Any], None],
    leave: Callable[[S], None] = lambda _socket: None,
) -> None:
    """Have whoever asks hold a socket until one of the two sides ends it.

    `begin` is done before anything is heard, `leave` in the end. Whatever fails is told by closing the socket: an
    answer of HTTP would be written into it.
    """
    try:
        _hold(server, make, begin, hear, leave)
    except ConnectionClosed:
        return
    except Exception as failure:
        farewell = _farewell(failure)
        db.session.rollback()
        with suppress(ConnectionClosed, OSError):  # it is gone already
            server.close(*farewell)


def _hold(server: Server, make: Any, begin: Any, hear: Any, leave: Any) -> None:
    holder, sockets = holder_of_request(), current_app.extensions["sockets"]
    if holder is None:
        server.close(SIGNED_OUT, "Sign in first.")
        return
    if sockets.are_leaving:
        server.close(COME_AGAIN, "Come again.")
        return
    socket = make(server, holder)
    if not sockets.add(socket):
        server.close(TRY_LATER, "Too many windows are open.")
        return
    try:
        # What has ended since the session was read is not told any more: it is looked at once more, from inside.
        if not is_welcome(holder):
            server.close(SIGNED_OUT, "Sign in first.")
            return
        begin(socket)
        end_reading()  # a socket holds no connection to the database
        request.environ[TURN].end()
        socket.hold(hear)
    finally:
        try:
            leave(socket)
        finally:
            sockets.discard(socket)


def holder_of_request() -> Holder | None:
    """Who opens the socket, and in which organisation; None for nobody, and for a place that is not there."""
    session.last_seen_at = None  # a socket keeps no session from growing idle, however long it is open
    person, session_id = session.person, session.row_id
    if person is None or session_id is None:
        return None
    slug = request.args.get("at")
    if slug is None:
        return Holder(session_id, person.user_id)
    tenant_id = find_tenant_id(slug)
    return Holder(session_id, person.user_id, tenant_id) if tenant_id else None


def is_welcome(holder: Holder) -> bool:
    """Whether somebody may hold a socket now."""
    return holder in welcome([holder], now=clock.now(), bounds=current_app.config["SETTINGS"].session_bounds)


def _farewell(failure: Exception) -> tuple[int, str]:
    if as_refusal(failure).status == Unavailable.status:
        return TRY_LATER, "Try again in a moment."
    return DEFECT, "Something went wrong on our side."


def _in_turns(inner: Callable[..., Iterable[bytes]], turns: Turns) -> Callable[..., Iterable[bytes]]:
    """Let those in who want a socket, some at a time, each with a connection that sends whole frames.

    None of them is compressed: that costs memory each.
    """

    def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        if "gunicorn.socket" not in environ or environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return inner(environ, start_response)
        environ["gunicorn.socket"] = WholeFrames(environ["gunicorn.socket"])
        try:
            with turns.one() as turn:
                environ[TURN] = turn
                return inner(environ, start_response)
        except Unavailable:  # it is no socket yet: an answer of HTTP is what the browser waits for
            start_response("503 Service Unavailable", [("Retry-After", "5"), ("Content-Length", "0")])
            return []

    return wsgi
