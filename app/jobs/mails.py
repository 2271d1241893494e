"""The job that sends one mail."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from app.adapters import mail as way_out
from app.adapters.letters import letter
from app.commands.mails import mail_is_over
from app.core import clock
from app.core.actor import Visitor
from app.core.database import finish_reading
from app.core.mails import find_mail

TRIED_FOR = timedelta(days=3)  # after that nobody waits for it any more, and its links have run out

log = structlog.get_logger(__name__)


def send(visitor: Visitor, mail_id: UUID) -> None:
    """Send a mail and destroy what it says. One that was sent already is not there any more.

    Should this process die in between, the mail goes out twice under one Message-ID.
    """
    mail = find_mail(mail_id)
    finish_reading()  # nothing in the database waits for somebody else's server
    if mail is None:
        return
    try:
        way_out.deliver(letter(mail, way_out.settings()))
    except way_out.Undeliverable:
        log.warning("mail.refused", mail_id=str(mail_id), template=mail.template)
    except Exception:
        if clock.now() < mail.created_at + TRIED_FOR:
            raise
        log.exception("mail.given_up", mail_id=str(mail_id), template=mail.template)
    mail_is_over(visitor, mail_id)
