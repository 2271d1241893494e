"""Who is where just now: kept in the Redis-protocol server for as long as they say so, and nowhere else.

A crowd is a sorted set of "person|connection" by the moment after which they are taken to be gone, as somebody may be
somewhere in several windows. That a crowd has changed is told to every live process, which then looks for itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from app.core import clock, valkey

STAY = 40.0  # seconds for which somebody stays without a word; a browser says one every fifteen
LINGER = 1.5  # seconds for which somebody stays who goes: another tab, or the page after this one, takes over meanwhile
NEWS, CURSORS = "live:crowds", "live:cursors"  # where live processes tell each other; nothing of it is kept


class Crowd(NamedTuple):
    """Those at one place of an organisation: who is there ("presence"), or who writes there ("edits")."""

    event: str
    tenant_id: UUID
    channel: str

    @property
    def key(self) -> str:
        """The name of its sorted set."""
        return f"live:{self.event}:{self.tenant_id}:{self.channel}"


class Member(NamedTuple):
    """A person by one of their connections."""

    user_id: int
    connection: str


Changes = Mapping[tuple[Crowd, Member], float | None]


def until(seconds: float) -> float:
    """The moment so many seconds from now."""
    return clock.now().timestamp() + seconds


def keep(changes: Changes) -> None:
    """Let everybody named stay until the moment given, or with None not at all. Raises RedisError."""
    pipeline = valkey.client().pipeline(transaction=False)
    for (crowd, member), moment in changes.items():
        name = f"{member.user_id}|{member.connection}"
        if moment is None:
            pipeline.zrem(crowd.key, name)
        else:
            pipeline.zadd(crowd.key, {name: moment})
            pipeline.expire(crowd.key, int(STAY * 2))
    pipeline.execute()


def look(crowds: Collection[Crowd]) -> dict[Crowd, dict[Member, float]]:
    """Who is there now, and until when. Raises RedisError."""
    pipeline = valkey.client().pipeline(transaction=False)
    for crowd in crowds:
        pipeline.zrangebyscore(crowd.key, until(0), "+inf", withscores=True)
    return {
        crowd: {_member(name): moment for name, moment in found}
        for crowd, found in zip(crowds, pipeline.execute(), strict=True)
    }


def _member(name: bytes) -> Member:
    user_id, _, connection = name.decode().partition("|")
    return Member(int(user_id), connection)


def tell(news: Iterable[tuple[Any, ...]], *, by: str, where: str = NEWS) -> None:
    """Tell the other live processes. Raises RedisError."""
    valkey.client().publish(where, json.dumps([by, *news], default=str, separators=(",", ":")))


def told(message: bytes) -> tuple[str, list[list[Any]]]:
    """Who told what."""
    by, *news = json.loads(message)
    return by, news
