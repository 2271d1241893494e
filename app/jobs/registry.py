"""Every job by its name in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.core.actor import Actor
from app.jobs import certifications

Job = Callable[[Actor, UUID], None]

JOBS: dict[str, Job] = {
    "certifications.judge": certifications.judge,
    "certifications.sign": certifications.sign,
    "certifications.seal": certifications.seal,
    "certifications.supersede": certifications.supersede,
}

# What to say of a thing whose job was given up.
GIVEN_UP: dict[str, Callable[[Actor, UUID, str], None]] = {
    "certifications.judge": certifications.give_up,
    "certifications.sign": certifications.give_up,
}
