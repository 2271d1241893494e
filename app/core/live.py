"""Live events: after a commit, say what changed, so that open pages can follow. Losing one is harmless.

An event names a thing and its version and carries no content; whoever hears of it asks for the thing itself, and is
shown what they may see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.core import clock, valkey

STREAM_LENGTH = 10_000
LATELY_MS = 60_000
MOST_AGAIN = 500  # events that are told again to who was away; after more of them it asks anew for everything
PEOPLE = "live:people"  # the stream of what concerns one person wherever they work: followed by every live process too
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
    around: tuple[str, ...] = ()  # channels of what shows it as a part: that of its program, of its task
    by: str = ""  # the tab in which it was done, which shows it already
    taken_off: int | None = None  # who was taken off it, and may not see it any more by that

    @property
    def kind(self) -> str:
        """What kind of thing changed, which is also the channel of lists of it."""
        return self.event.partition(".")[0]

    @property
    def channels(self) -> tuple[str, ...]:
        """Where it is told: on its own channel, on those around it, and on that of its kind."""
        return tuple(dict.fromkeys((self.channel, *self.around, self.kind)))


@dataclass(frozen=True, slots=True)
class Farewell:
    """Whose sockets end now: those of one session, or of a person and an organisation, either or both."""

    session_id: str | None = None
    user_id: int | None = None
    tenant_id: str | None = None
    again: bool = False  # whether the browser is still welcome, and has only got another cookie


def stream_of(tenant_id: Any) -> str:
    """The name of the stream that carries the events of one organisation, or of people in none."""
    return f"live:{tenant_id}" if tenant_id else PEOPLE


_TAB = re.compile(r"[A-Za-z0-9-]{1,40}")
_tab: ContextVar[str] = ContextVar("tab", default="")


def note_tab(tab: str | None) -> None:
    """Say of what is announced from now on that it was done in this tab of a browser; None for in no tab."""
    _tab.set(tab if tab and _TAB.fullmatch(tab) else "")


def announcement_from(told: Mapping[str, Any]) -> Announcement:
    """What was announced, as it was read from a stream; what a newer process adds to it is left out."""
    known = {field.name: told[field.name] for field in fields(Announcement) if field.name in told}
    return Announcement(**known | {"around": tuple(known.get("around", ()))})


def announcement(subject: Any, event: str, *, taken_off: int | None = None) -> Announcement:
    """What to say of `subject` on its own channel."""
    return Announcement(
        tenant_id=str(subject.application_instance_id),
        event=f"{subject.kind}.{event}",
        channel=f"{subject.kind}.{subject.id}",
        id=str(subject.id),
        version=getattr(subject, "version", None) or 1,
        around=tuple(getattr(subject, "shown_in", ())),
        by=_tab.get(),
        taken_off=taken_off,
    )


def own_announcement(user_id: int, event: str) -> Announcement:
    """What to say of a person to themselves, whatever organisation they are in just now."""
    return Announcement(
        tenant_id="", event=f"user.{event}", channel=f"user.{user_id}", id=str(user_id), version=1, by=_tab.get()
    )


def trail_announcement(tenant_id: Any, user_id: int | None) -> Announcement:
    """What to say of new events in the trail of an organisation: that there are some, and for us by whom."""
    return Announcement(
        tenant_id=str(tenant_id), event="audit_event.created", channel="audit_event", id=str(user_id or ""), version=1
    )


def member_announcement(tenant_id: Any, user_id: int, version: int) -> Announcement:
    """What to say of a person in an organisation that they work for."""
    return Announcement(
        tenant_id=str(tenant_id),
        event="person.updated",
        channel=f"person.{user_id}",
        id=str(user_id),
        version=version,
        by=_tab.get(),
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


def since(client: Any, stream: str, place: str) -> list[tuple[str, dict[str, Any]]] | None:
    """What was said on a stream after a place: place and what was said. None where some of it is not kept any more.

    Raises RedisError.
    """
    if not client.exists(stream):  # nothing was ever said on it, or it was lost with everything else
        return [] if clock.now().timestamp() * 1000 - _number(place)[0] < LATELY_MS else None
    told = client.xrange(stream, min=f"({place}", count=MOST_AGAIN + 1)
    about = client.xinfo_stream(stream)
    trimmed = about["entries-added"] > about["length"] and _number(about["first-entry"][0].decode()) > _number(place)
    if trimmed or len(told) > MOST_AGAIN:
        return None
    return [(where.decode(), json.loads(fields[b"data"])) for where, fields in told]


def wake(client: Any, stream: str) -> None:
    """End the waiting of who reads this stream. Raises RedisError."""
    pipeline = client.pipeline(transaction=False)
    pipeline.xadd(stream, {"data": "{}"}, maxlen=1)
    pipeline.expire(stream, 60)
    pipeline.execute()


def _number(place: str) -> tuple[int, ...]:
    return tuple(map(int, place.split("-")))


def last_place(client: Any, stream: str) -> str:
    """Where a stream ends now: from here on nothing is missed. Raises RedisError."""
    newest = client.xrevrange(stream, count=1)
    return newest[0][0].decode() if newest else "0-0"
