"""Every job by its name in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from app.commands.organisations import CLOSING, REMINDING
from app.commands.password_resets import ANSWERING
from app.commands.shared_texts import COMPACTING
from app.core import mails as waiting_mails
from app.core.actor import Actor
from app.jobs import audit_exports, certifications, mails, organisations, password_resets, shared_texts

Job = Callable[[Any, UUID], None]  # its actor is the system in an organisation, or a Visitor where there is none

JOBS: dict[str, Job] = {
    "audit_exports.write": audit_exports.write,
    "certifications.judge": certifications.judge,
    "certifications.sign": certifications.sign,
    "certifications.seal": certifications.seal,
    "certifications.supersede": certifications.supersede,
    waiting_mails.JOB: mails.send,
    CLOSING: organisations.close,
    REMINDING: organisations.remind,
    ANSWERING: password_resets.answer,
    COMPACTING: shared_texts.compact,
}

# What to say of a thing whose job was given up.
GIVEN_UP: dict[str, Callable[[Actor, UUID, str], None]] = {
    "audit_exports.write": audit_exports.give_up,
    "certifications.judge": certifications.give_up,
    "certifications.sign": certifications.give_up,
}
