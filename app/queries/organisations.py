"""An organisation and its settings."""

from __future__ import annotations

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.application_instances import ApplicationInstance


def get_organisation(actor: Actor) -> ApplicationInstance:
    """The organisation that one works in, for those who may change it."""
    require(actor, "application_instance.update")
    return db.session.get_one(ApplicationInstance, actor.tenant_id, populate_existing=True)
