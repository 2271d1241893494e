"""A socket as the script of a page uses it."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.security.server import Server
from tests.security.test_live import TEXT, opened, receive, send
from tests.stage import Stage

PING = 0x9


def corner_of(stage: Stage) -> str:
    """The corner of Valkey in which the live process of these tests listens, and hears nothing of other tests."""
    return urlunsplit(urlsplit(stage.redis_url)._replace(path="/13"))


class Line:
    """The socket of one browser, in an organisation or in none."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        assert self.next()["event"] == "hello"

    @classmethod
    def of(cls, server: Server, cookie: str, slug: str | None) -> Line:
        """Whoever has the cookie opens it."""
        return cls(opened(server, cookie, path=f"/live?at={slug}" if slug else "/live"))

    def say(self, **message: Any) -> None:
        """Send a message."""
        send(self.connection, TEXT, json.dumps(message).encode())

    def next(self) -> dict[str, Any]:
        """What is told next."""
        kind, content = PING, b""
        while kind == PING:
            kind, content = receive(self.connection)
        assert kind == TEXT, (kind, content)
        message = dict(json.loads(content))
        self.heard.append(message)
        return message

    def follow(self, channel: str, **more: Any) -> str:
        """Ask for a channel, and say what came of it."""
        self.say(event="subscribe", channel=channel, **more)
        answer = self.next()
        assert answer["channel"] == channel
        return str(answer["event"])

    def all_so_far(self) -> list[dict[str, Any]]:
        """What was told until now: the answer to a heartbeat comes after it."""
        self.say(event="heartbeat")
        return list(iter(self.next, {"event": "heartbeat"}))

    def be_at(self, channel: str) -> dict[str, Any]:
        """Be on the page of a thing, and hear who else is."""
        assert self.follow(channel) == "subscribed"
        self.say(event="presence", channel=channel, here=True)
        return self.until(lambda told: told["event"] == "presence" and "whole" in told)

    def until(self, wanted: Any) -> dict[str, Any]:
        """The next message that is one of those that are waited for."""
        return next(message for message in iter(self.next, None) if wanted(message))

    def sees(self, channel: str, count: int, event: str = "presence") -> dict[str, Any]:
        """Wait until so many are said to be there."""
        wanted = {"event": event, "channel": channel, "count": count}
        return self.until(lambda told: wanted.items() <= told.items())
