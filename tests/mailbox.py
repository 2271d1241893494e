"""The mails that wait to be sent to somebody."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.core.database import db
from app.core.mails import Mail, find_mail, mails

_addresses: dict[UUID, str] = {}  # of the mails that were opened once: those to others need not be opened again


def mails_to(address: str) -> list[Mail]:
    """The mails to an address, oldest first."""
    db.session.rollback()
    found = []
    for mail_id in db.session.scalars(select(mails.c.id).order_by(mails.c.created_at)):
        if _addresses.get(mail_id, address) == address and (mail := find_mail(mail_id)) is not None:
            _addresses[mail_id] = mail.to
            found += [mail] if mail.to == address else []
    return found
