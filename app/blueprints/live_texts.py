"""The socket over which several people write one text: /live/texts/<kind>/<id>?at=<slug>.

It speaks the protocol of y-websocket. Who comes back names the text that they have (`text=<id>`): another one that has
begun since is not put together with it.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Flask, current_app, request
from flask_sock import Sock
from simple_websocket import Server

from app.core.transaction import end_reading
from app.web import text_messages as messages
from app.web.door import public
from app.web.sockets import SIGNED_OUT, Socket
from app.web.text_refusals import REFUSALS, farewell
from app.web.text_room import TextSocket
from app.web.text_rooms import Rooms
from app.web.welcoming import hold_socket


def init_app(app: Flask) -> None:
    """Take sockets of signed-in people on our own pages, as app/blueprints/live.py does."""
    Sock(app).route("/live/texts/<kind>/<uuid:row_id>")(live_text)
    app.view_functions["live_text"] = public(app.view_functions["live_text"])
    rooms = app.extensions["rooms"] = Rooms(app)
    app.extensions["live_reader"].also_heard_by.append(rooms.hear)
    rooms.start()


def live_text(server: Server, kind: str, row_id: UUID) -> None:
    """One browser at a text, until it goes."""
    leave = current_app.extensions["rooms"].leave
    hold_socket(server, TextSocket, partial(_enter, kind=kind, row_id=row_id), _hear, leave)


def _enter(socket: TextSocket, kind: str, row_id: UUID) -> None:
    if socket.holder.tenant_id is None:
        socket.end(SIGNED_OUT, "Sign in first.")
        return
    current_app.extensions["live_reader"].follow(socket.holder.tenant_id)
    try:
        current_app.extensions["rooms"].enter(socket, kind, row_id, request.args.get("text"))
    except REFUSALS as refusal:
        socket.end(*farewell(refusal))


def _hear(socket: Socket, message: str | bytes) -> None:
    assert isinstance(socket, TextSocket)
    try:
        _take(socket, messages.read_message(message))
    except REFUSALS as refusal:
        socket.end(*farewell(refusal))
    finally:
        end_reading()


def _take(socket: TextSocket, said: messages.Message) -> None:
    room = socket.room
    assert room is not None, "Who speaks is in a room."
    if said.kind == messages.AWARENESS:
        room.note_presence(socket, messages.read_presence(said.content))
    elif said.kind == messages.ASK_AWARENESS:
        room.tell_who_is_here(socket)
    elif said.part == messages.STATE:
        room.answer(socket, said.content)
    else:
        room.take(socket, said.content)
