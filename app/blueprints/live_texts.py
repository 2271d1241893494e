"""The socket over which several people write one text: /live/texts/<kind>/<id>?at=<slug>.

It speaks the protocol of y-websocket. Who comes back names the text that they have (`text=<id>`): another one that has
begun since is not put together with it.
"""

from __future__ import annotations

from uuid import UUID

from flask import Flask, current_app, request
from flask_sock import Sock
from simple_websocket import Server

from app.blueprints.live import holder_of_request, is_welcome
from app.core.transaction import end_reading
from app.web import text_messages as messages
from app.web.door import public
from app.web.sockets import SIGNED_OUT, TOO_SLOW, Socket
from app.web.text_refusals import REFUSALS, farewell
from app.web.text_room import TextSocket
from app.web.text_rooms import Rooms


def init_app(app: Flask) -> None:
    """Take sockets of signed-in people on our own pages, as app/blueprints/live.py does."""
    Sock(app).route("/live/texts/<kind>/<uuid:row_id>")(live_text)
    app.view_functions["live_text"] = public(app.view_functions["live_text"])
    rooms = app.extensions["rooms"] = Rooms(app)
    app.extensions["live_reader"].also_heard_by.append(rooms.hear)
    rooms.start()


def live_text(server: Server, kind: str, row_id: UUID) -> None:
    """One browser at a text, until it goes."""
    holder = holder_of_request()
    if holder is None or holder.tenant_id is None:
        server.close(SIGNED_OUT, "Sign in first.")
        return
    sockets, rooms = current_app.extensions["sockets"], current_app.extensions["rooms"]
    socket = TextSocket(server, holder)
    if not sockets.add(socket):
        server.close(TOO_SLOW, "Too many windows are open.")
        return
    try:
        if not is_welcome(holder):
            server.close(SIGNED_OUT, "Sign in first.")
            return
        current_app.extensions["live_reader"].follow(holder.tenant_id)
        try:
            rooms.enter(socket, kind, row_id, request.args.get("text"))
        except REFUSALS as refusal:
            server.close(*farewell(refusal))
            return
        end_reading()  # a socket holds no connection to the database
        socket.hold(_hear)
    finally:
        try:
            rooms.leave(socket)
        finally:
            sockets.discard(socket)


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
