"""The people of an organisation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, literal_column, select

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.permissions import require_somewhere
from app.models.application_instances import ApplicationInstanceUser
from app.models.users import User

_PEOPLE = (
    select(User.user_id.label("id"), User.name, User.email)
    .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
    .where(ApplicationInstanceUser.application_instance_id == bindparam("tenant"))
    .where(ApplicationInstanceUser.deactivated_at.is_(None), User.deactivated_at.is_(None))
    .order_by(User.name)
    .limit(literal_column("500"))
)


def list_people(actor: Actor) -> list[Any]:
    """Everybody who works here, by name."""
    require_somewhere(actor, "user.view")
    return list(rows_of(db.session, _PEOPLE, {"tenant": actor.tenant_id}))
