"""The Redis-protocol server: for queues, heartbeats and live events. It may be emptied or gone at any time."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_clients: dict[str, Redis] = {}
_url: list[str] = []


def configure(url: str) -> None:
    """Use the server at `url`, as redis://:password@host:port/0, from now on."""
    _url[:] = [url]


def client() -> Redis:
    """The shared client for short commands: it gives up after half a second rather than hold a page."""
    url = _url[0]
    if url not in _clients:
        _clients[url] = Redis.from_url(
            url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1), health_check_interval=30
        )
    return _clients[url]


def new_client() -> Redis:
    """A client of its own for an RQ worker, which changes the time-outs of the client that it is given."""
    return Redis.from_url(_url[0], socket_connect_timeout=5)


def listening_client(wait: float) -> Redis:
    """A client that waits so many seconds for what others say, and notices a server that has gone meanwhile."""
    return Redis.from_url(_url[0], socket_connect_timeout=2, socket_timeout=wait + 2, retry=Retry(NoBackoff(), 0))
