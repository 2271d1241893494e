"""What becomes of a mail."""

from __future__ import annotations

from uuid import UUID

from app.core.actor import Visitor
from app.core.mails import forget_mail
from app.core.transaction import command


@command(anyone="the job that has sent a mail", unrecorded="what caused the mail records itself")
def mail_is_over(_visitor: Visitor, mail_id: UUID) -> None:
    """Destroy a mail that a server has taken, or refused for good."""
    forget_mail(mail_id)
