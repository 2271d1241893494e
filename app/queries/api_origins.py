"""The pages of other sites that may call the API."""

from __future__ import annotations

from sqlalchemy import select

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.application_instances import ApplicationInstance


def list_api_origins(actor: Actor) -> list[str]:
    """The origins that the organisation lists, for those who may change them."""
    require(actor, "application_instance.update")
    query = select(ApplicationInstance.api_origins).where(ApplicationInstance.id == actor.tenant_id)
    return list(db.session.scalars(query).one())
