"""Mails: written in the transaction of their cause, sent by a job afterwards, and gone once a server has taken them.

What a mail says is sealed under a key of its own, which goes with the row. A mail belongs to no organisation: who has
forgotten a password may be in none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, delete, insert, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.core import clock, sealing
from app.core.actor import Actor, Visitor
from app.core.database import Base, db
from app.core.ids import new_secret_id
from app.core.outbox import enqueue_for_nobody
from runcible.canonical import canonical_json

JOB = "mails.send"
_PLACE = "mails.content"

mails = Table(
    "mails",
    Base.metadata,
    Column("id", PG_UUID, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    info={"unrecorded": "its cause records itself"},
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that waits: to whom, which of app/templates/mails, and what is filled in."""

    id: UUID
    to: str
    template: str
    values: dict[str, Any]
    created_at: datetime


def send_mail(_actor: Actor | Visitor, *, to: str, template: str, locale: str, **values: str | int) -> UUID:
    """Have the mail `template`, filled in with `values`, sent to `to` once this transaction has committed.

    `locale` is how its reader has things written: the mail is in that language.

    A value that names an address within the product is a path; the letter puts the product's own address before it.
    """
    return _keep(JOB, to, template, {"locale": locale, **values})


def ask_for_mail(_actor: Visitor, job: str, *, to: str, template: str, **values: str | int) -> UUID:
    """Have `job` find out, once this transaction has committed, whether such a mail is to be sent at all.

    So whoever asks is answered before anybody knows, and can tell nothing from how or when.
    """
    return _keep(job, to, template, values)


def _keep(job: str, to: str, template: str, values: dict[str, str | int]) -> UUID:
    mail_id = new_secret_id()
    key, wrapped = sealing.create_loose_key(_subject(mail_id))
    told = canonical_json({"to": to, "template": template, "values": values}).decode()
    db.session.execute(
        insert(mails).values(id=mail_id, wrapped_key=wrapped, content=key.seal(_PLACE, told), created_at=clock.now())
    )
    enqueue_for_nobody(job, mail_id)
    return mail_id


def find_mail(mail_id: UUID) -> Mail | None:
    """A mail that waits, or None where it was sent or given up."""
    row = db.session.execute(select(mails).where(mails.c.id == mail_id)).first()
    if row is None:
        return None
    told = sealing.open_loose_key(_subject(mail_id), row.wrapped_key).open(_PLACE, row.content)
    return Mail(id=mail_id, created_at=row.created_at, **json.loads(told or "{}"))


def forget_mail(mail_id: UUID) -> None:
    """Destroy a mail and its key. Forgetting twice is forgetting once."""
    db.session.execute(delete(mails).where(mails.c.id == mail_id))


def _subject(mail_id: UUID) -> str:
    return f"mail:{mail_id}"
