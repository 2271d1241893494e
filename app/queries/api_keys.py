"""The API keys of an organisation. Their secrets are nowhere to be read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import in_sight, sight_of
from app.models.api_keys import ApiKey
from app.models.users import User


def list_api_keys(actor: Actor) -> list[Any]:
    """Every key that one may see, newest first: whose it is, how it begins, what it may, and when it was last used."""
    sight = in_sight(actor, ApiKey)
    query = (
        select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.prefix,
            ApiKey.scopes,
            ApiKey.expires_at,
            ApiKey.revoked_at,
            ApiKey.last_used_at,
            ApiKey.created_at,
            User.name.label("user_name"),
            User.email.label("user_email"),
        )
        .join(User, User.user_id == ApiKey.user_id)
        .where(ApiKey.application_instance_id == actor.tenant_id)
        .order_by(ApiKey.id.desc())
    )
    if sight is None:
        return list(db.session.execute(query))
    return list(db.session.execute(query.where(sight), sight_of(actor, ApiKey)))
