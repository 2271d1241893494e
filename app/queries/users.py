"""The people of an organisation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.application_instances import ApplicationInstanceUser
from app.models.users import User


def list_people(actor: Actor) -> list[Any]:
    """Everybody who works here, by name."""
    require(actor, "user.view")
    query = (
        select(User.user_id.label("id"), User.name, User.email)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .where(ApplicationInstanceUser.deactivated_at.is_(None), User.deactivated_at.is_(None))
        .order_by(User.name)
        .limit(500)
    )
    return list(db.session.execute(query))
