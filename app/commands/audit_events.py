"""Reading what is sensitive is an event too (R-41): of lists that show personal data, keys or the trail itself."""

from __future__ import annotations

from app.core import audit
from app.core.actor import Actor
from app.core.permissions import require_somewhere
from app.core.transaction import command
from app.models.application_instances import ApplicationInstance

# What is read as a whole, and what one must be allowed for it.
SENSITIVE = {"audit_trail": "audit_event.view", "api_keys": "api_key.view", "people": "user.view"}


@command
def note_reading_of(actor: Actor, what: str) -> None:
    """Write down that somebody looked at one of the lists in SENSITIVE: once a person in a quarter of an hour.

    Raises NotFound where they may see nothing of it.
    """
    require_somewhere(actor, SENSITIVE[what])
    audit.note_reading(actor, f"{what}.viewed", ApplicationInstance(id=actor.tenant_id))
