"""Live events: after a commit, say what changed, so that open pages can follow. Losing one is harmless.

An event names a thing and its version and carries no content; whoever hears of it asks for the thing itself, and is
shown what they may see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.core import valkey

STREAM_LENGTH = 10_000
FAREWELLS = "live:farewells"  # the stream that every live process follows, whatever organisations it has sockets of
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing changed: `event` as "task.updated", `channel` as "task.<id>"."""

    tenant_id: str
    event: str
    channel: str
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Farewell:
    """Whose sockets end now: those of one session, or of a person and an organisation, either or both."""

    session_id: str | None = None
    user_id: int | None = None
    tenant_id: str | None = None
    again: bool = False  # whether the browser is still welcome, and has only got another cookie


def stream_of(tenant_id: Any) -> str:
    """The name of the stream that carries the events of one organisation."""
    return f"live:{tenant_id}"


def announcement(subject: Any, event: str) -> Announcement:
    """What to say of `subject` on its own channel."""
    return Announcement(
        tenant_id=str(subject.application_instance_id),
        event=f"{subject.kind}.{event}",
        channel=f"{subject.kind}.{subject.id}",
        id=str(subject.id),
        version=getattr(subject, "version", 1),
    )


def publish(announcements: Sequence[Announcement], farewells: Sequence[Farewell] = ()) -> None:
    """Put each on its stream. A server that does not answer costs liveness, never the operation."""
    told = [(FAREWELLS, each) for each in farewells] + [(stream_of(each.tenant_id), each) for each in announcements]
    if not told:
        return
    try:
        pipeline = valkey.client().pipeline(transaction=False)
        for stream, each in told:
            fields: dict[Any, Any] = {"data": json.dumps(asdict(each))}
            pipeline.xadd(stream, fields, maxlen=STREAM_LENGTH, approximate=True)
        pipeline.execute()
    except (RedisError, OSError) as failure:
        log.warning("live.not_published", error=type(failure).__name__)


def read(client: Any, places: Mapping[str, str], *, wait: float) -> list[tuple[str, str, dict[str, Any]]]:
    """What was said on some streams after a place in each, waiting for it: stream, place and what was said.

    Raises RedisError where the server does not answer.
    """
    found = client.xread(dict(places), count=1000, block=int(wait * 1000)) or []
    return [
        (stream.decode(), place.decode(), json.loads(fields[b"data"]))
        for stream, entries in (found.items() if isinstance(found, dict) else found)
        for place, fields in entries
    ]


def last_place(client: Any, stream: str) -> str:
    """Where a stream ends now: from here on nothing is missed. Raises RedisError."""
    newest = client.xrevrange(stream, count=1)
    return newest[0][0].decode() if newest else "0-0"
