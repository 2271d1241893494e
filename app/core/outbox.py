"""The outbox: work for later is a row in the same transaction as its cause, so that neither can be lost alone.

A relay (app/jobs/relay.py) hands rows to RQ after the commit; whoever does the work marks the row as done. A row holds
ids only: who runs the job reads the record again and never trusts what was true when it was queued.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, Table, Text, func, insert, select, update
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.core.actor import Actor
from app.core.database import Base, db
from app.core.ids import new_secret_id

CHANNEL = "oversing_outbox"

outbox = Table(
    "outbox",
    Base.metadata,
    Column("id", PG_UUID, primary_key=True),
    Column("application_instance_id", PG_UUID),  # none: a mail to somebody who may belong nowhere
    Column("queue", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("subject_id", PG_UUID, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
    Column("failed_at", DateTime(timezone=True)),
    Column("last_error", Text),
    info={"unrecorded": "its cause records itself"},
)


def enqueue(
    actor: Actor, job: str, subject_id: UUID, *, queue: str = "default", due_at: datetime | None = None
) -> None:
    """Have `job`, named as "certifications.sign", run for `subject_id` once this transaction has committed.

    With `due_at` it waits until then: who takes it looks whether it is still wanted.
    """
    _insert(actor.tenant_id, job, subject_id, queue, due_at)


def enqueue_for_nobody(job: str, subject_id: UUID) -> None:
    """The same for work that belongs to no organisation, such as a mail."""
    _insert(None, job, subject_id, "default")


def give_up_waiting(tenant_id: UUID, *, but: str) -> None:
    """Let nothing that waits in an organisation be done any more, `but` one job."""
    waiting = (outbox.c.application_instance_id == tenant_id, outbox.c.done_at.is_(None), outbox.c.job != but)
    db.session.execute(update(outbox).where(*waiting).values(failed_at=func.clock_timestamp(), last_error="Closed"))


def _insert(tenant_id: UUID | None, job: str, subject_id: UUID, queue: str, due_at: datetime | None = None) -> None:
    db.session.execute(
        insert(outbox).values(
            id=new_secret_id(),
            application_instance_id=tenant_id,
            queue=queue,
            job=job,
            subject_id=subject_id,
            **({} if due_at is None else {"due_at": due_at}),
        )
    )
    db.session.execute(select(func.pg_notify(CHANNEL, "")))
