"""Idempotency keys: the same request sent twice is carried out once, and answered alike.

The fingerprint of the body is kept beside the key, so that a key used for another request is noticed. The row commits
with the change itself: there is no moment at which one exists without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.core.actor import Actor
from app.core.database import Base, db
from app.core.errors import IdempotencyKeyInvalid, IdempotencyKeyReused, RequestInProgress
from app.core.permissions import fetch, viewing_of
from app.core.transaction import command

M = TypeVar("M")

idempotency_keys = Table(
    "idempotency_keys",
    Base.metadata,
    Column("application_instance_id", PG_UUID, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("subject_id", PG_UUID, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    info={"unrecorded": "it only remembers an operation that records itself"},
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may come again: its key, and a fingerprint of method, address and body."""

    key: str
    fingerprint: bytes

    @classmethod
    def of(cls, key: str, method: str, path: str, body: bytes) -> Request:
        """Raises IdempotencyKeyInvalid for a key that is empty, too long or not printable ASCII."""
        if not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):
            raise IdempotencyKeyInvalid
        return cls(key, hashlib.sha256(b"\0".join([method.encode(), path.encode(), body])).digest())


@command(anyone="the operation that it wraps asks for its own permission")
def once(actor: Actor, request: Request | None, model: type[M], operation: Callable[[], M]) -> M:
    """Carry out `operation`, or answer with the row that the same request made before.

    Raises IdempotencyKeyReused for another body under the same key, RequestInProgress while the first is at work.
    """
    if request is None:
        return operation()
    owner = f"user:{actor.user_id}"
    if not _claim(f"{actor.tenant_id}/{owner}/{request.key}"):
        raise RequestInProgress(headers={"Retry-After": "1"})
    made = _made_before(actor, owner, request)
    if made is not None:
        return _same_row(model, actor, made)
    subject: Any = operation()
    db.session.flush()
    db.session.execute(
        insert(idempotency_keys).values(
            application_instance_id=actor.tenant_id,
            owner=owner,
            key=request.key,
            fingerprint=request.fingerprint,
            subject_id=subject.id,
        )
    )
    return subject  # type: ignore[no-any-return]


def _claim(name: str) -> bool:
    """Hold the key until the transaction ends; False if another transaction holds it now."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    return bool(db.session.scalar(select(func.pg_try_advisory_xact_lock(number))))


def _made_before(actor: Actor, owner: str, request: Request) -> Any:
    row = db.session.execute(
        select(idempotency_keys.c.fingerprint, idempotency_keys.c.subject_id).where(
            idempotency_keys.c.application_instance_id == actor.tenant_id,
            idempotency_keys.c.owner == owner,
            idempotency_keys.c.key == request.key,
        )
    ).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != request.fingerprint:
        raise IdempotencyKeyReused
    return row.subject_id


def _same_row(model: type[M], actor: Actor, row_id: Any) -> M:
    return fetch(actor, model, row_id, viewing_of(model))
