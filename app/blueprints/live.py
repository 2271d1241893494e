"""The socket over which open pages are told what has changed.

A page of an organisation opens it at /live?at=<slug>, and asks for channels: "task.<id>" for one thing, "task" for all
of a kind. It is told that something changed, never what: it then asks for its part of the page again, as any reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from flask import Flask, current_app, request
from flask_sock import Sock
from redis.exceptions import RedisError
from simple_websocket import Server

from app.core import live as live_events
from app.core import valkey
from app.core.heartbeats import beat_forever
from app.core.ids import new_secret_id
from app.core.live import Announcement
from app.core.transaction import end_reading
from app.queries import live_channels
from app.web import live_reader, welcoming
from app.web.cursors import CURSOR, Cursors
from app.web.door import public
from app.web.elements import Writer
from app.web.presence import EDITS, PRESENCE, Presence
from app.web.sockets import MOST_CHANNELS, OWN, Socket, Sockets, gone_from, poke
from app.web.welcoming import hold_socket
from runcible.errors import StrictJsonError
from runcible.strict_json import loads_object

LARGEST_MESSAGE = 64 * 1024
NOT_UNDERSTOOD = 1007
PLACE = re.compile(r"[0-9]{1,15}-[0-9]{1,10}")  # in a stream


def init_app(app: Flask, pages: Flask) -> None:
    """Take sockets at /live from signed-in people on our own pages, and say that this process lives.

    What is told with an element is written by the templates of `pages`.
    """
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": LARGEST_MESSAGE}
    app.before_request(_check_origin)
    sock = Sock(app)
    sock.route("/live")(live)
    app.view_functions["live"] = public(app.view_functions["live"])
    welcoming.init_app(app)
    settings, presence = app.config["SETTINGS"], Presence(app)
    app.extensions["presence"] = presence
    app.extensions["cursors"] = Cursors(presence)
    sockets = app.extensions["sockets"] = Sockets(presence.let_go, settings.live_recheck_seconds)
    app.extensions["live_reader"] = live_reader.start(app, sockets, presence, app.extensions["cursors"], Writer(pages))
    beat_forever("live")


def live(server: Server) -> None:
    """One browser's socket: hello, then whatever there is to tell until it goes."""
    hold_socket(server, Socket, _greet, _answer)


def _greet(socket: Socket) -> None:
    socket.tell(json.dumps({"event": "hello", "id": str(new_secret_id())}))


def _answer(socket: Socket, message: str | bytes) -> None:
    try:
        told = loads_object(message.encode() if isinstance(message, str) else b"")
    except StrictJsonError:
        socket.end(NOT_UNDERSTOOD, "Messages are JSON objects.")
        return
    event, channel = told.get("event"), told.get("channel")
    if event == "heartbeat":
        current_app.extensions["presence"].stay(socket)
        socket.tell('{"event":"heartbeat"}')
    elif event == "subscribe" and isinstance(channel, str):
        with current_app.extensions["turns"].one():
            _subscribe(socket, channel, told.get("last"))
    elif event == "unsubscribe" and isinstance(channel, str):
        current_app.extensions["sockets"].unfollow(socket, channel)
    elif event in (PRESENCE, EDITS) and isinstance(channel, str) and isinstance(told.get("here"), bool):
        presence = current_app.extensions["presence"]
        (presence.come if told["here"] else presence.go)(socket, event, channel)
    elif event == CURSOR and isinstance(channel, str):
        current_app.extensions["cursors"].point(socket, channel, told.get("x"), told.get("y"))
    else:
        socket.tell('{"event":"error","code":"UNKNOWN_EVENT"}')


def _subscribe(socket: Socket, name: str, last: Any) -> None:
    """Let a socket follow a channel, and tell it what it has missed there since it was told `last`."""
    channel = live_channels.channel_named(name)
    if len(socket.channels) >= MOST_CHANNELS or channel is None or not _lets_follow(socket, channel):
        socket.tell(json.dumps({"event": "refused", "channel": name[:100]}))
        return
    current_app.extensions["sockets"].follow(socket, name)
    socket.tell(json.dumps({"event": "subscribed", "channel": name}))
    if isinstance(last, str) and PLACE.fullmatch(last):
        _tell_again(socket, name, last)
    end_reading()


def _lets_follow(socket: Socket, channel: live_channels.Channel) -> bool:
    tenant_id = socket.holder.tenant_id
    if live_channels.is_own(socket.holder, channel):
        return True
    if tenant_id is None:
        return False
    current_app.extensions["live_reader"].follow(tenant_id)  # first: what changes from now on is heard of
    if socket.viewer is None:
        socket.viewer = live_channels.viewer(socket.holder)
    allowed = socket.viewer is not None and live_channels.may_follow(socket.viewer, channel)
    end_reading()
    return allowed


def _tell_again(socket: Socket, name: str, last: str) -> None:
    missed = _missed(socket, name, last)
    pokes, gone = _told_again(socket, name, missed or [])
    if missed is None or len(pokes) > socket.free_places // 2:  # to ask once is less than so many pokes
        pokes = [json.dumps({"event": "resync", "channel": name})]
    for each in (*pokes, *gone):
        socket.tell(each)


def _missed(socket: Socket, name: str, last: str) -> list[tuple[str, Announcement]] | None:
    """What was said on a channel after a place in the stream, each with its own; None where that is not known."""
    stream = live_events.stream_of(None if name.startswith(OWN) else socket.holder.tenant_id)
    try:
        said = live_events.since(valkey.client(), stream, last)
    except (RedisError, OSError):
        return None
    if said is None:
        return None
    events = [(place, live_events.announcement_from(told)) for place, told in said]
    return [(place, event) for place, event in events if name in event.channels]


def _told_again(socket: Socket, name: str, missed: list[tuple[str, Announcement]]) -> tuple[list[str], Collection[str]]:
    """That things have changed which the viewer sees, and what they were taken off and see no longer."""
    if name.startswith(OWN):
        return [poke(event, name, "") for _place, event in missed], ()
    things = {(event.kind, event.id) for _place, event in missed}
    heard = live_channels.heard_of(socket.viewer, things) if socket.viewer else set()
    unheard = [(place, event) for place, event in missed if (event.kind, event.id) not in heard]
    gone = {event.id: gone_from(event, name, place) for place, event in unheard if socket.is_taken_off(event)}
    return [poke(event, name, place) for place, event in missed if (event.kind, event.id) in heard], gone.values()


def _check_origin():
    """A page of somebody else must not open a socket with our visitor's cookie."""
    if f"{request.path}/".startswith("/live/") and request.headers.get("Origin") not in current_app.config["ORIGINS"]:
        return "Sockets are for our own pages.", 403
    return None
