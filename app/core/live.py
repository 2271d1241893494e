"""Live events: after a commit, say what changed, so that open pages can follow. Losing one is harmless.

An event names a thing and its version and carries no content; whoever hears of it asks for the thing itself, and is
shown what they may see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.core import valkey

STREAM_LENGTH = 10_000
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing changed: `event` as "task.updated", `channel` as "task.<id>"."""

    tenant_id: str
    event: str
    channel: str
    id: str
    version: int


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


def publish(announcements: Sequence[Announcement]) -> None:
    """Put the announcements on their stream. A server that does not answer costs liveness, never the operation."""
    if not announcements:
        return
    try:
        pipeline = valkey.client().pipeline(transaction=False)
        for told in announcements:
            fields: dict[Any, Any] = {"data": json.dumps(asdict(told))}
            pipeline.xadd(stream_of(told.tenant_id), fields, maxlen=STREAM_LENGTH, approximate=True)
        pipeline.execute()
    except (RedisError, OSError) as failure:
        log.warning("live.not_published", error=type(failure).__name__)
