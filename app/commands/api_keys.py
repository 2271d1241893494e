"""Make and revoke API keys."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor
from app.core.audit import record
from app.core.database import db
from app.core.errors import Forbidden, Invalid
from app.core.ids import new_token
from app.core.permissions import fetch, require
from app.core.transaction import command
from app.models.api_keys import PREFIX, SHOWN, ApiKey, hash_of
from app.models.application_instances import ApplicationInstanceUser
from app.schemas.tenants import NewApiKey


@command
def create_api_key(actor: Actor, new: NewApiKey) -> tuple[ApiKey, str]:
    """Make a key that acts for a member, and return it with its secret: this is the only time that it is to be had.

    Raises Invalid for somebody who does not work here, or an end in the past.
    """
    require(actor, "api_key.create")
    if actor.authenticated_by == "api_key":
        raise Forbidden("A key cannot make another: sign in yourself.")
    if actor.user_id not in (None, new.user_id):
        raise Forbidden("A key acts for the person who makes it. Nobody can make one for somebody else.")
    works_here = db.session.scalar(
        select(ApplicationInstanceUser.user_id).where(
            ApplicationInstanceUser.application_instance_id == actor.tenant_id,
            ApplicationInstanceUser.user_id == new.user_id,
        )
    )
    if works_here is None:
        raise Invalid({"user_id": "Nobody with this id works here."})
    if new.expires_at is not None and new.expires_at <= clock.now():
        raise Invalid({"expires_at": "This is in the past."})
    secret = PREFIX + new_token()
    key = ApiKey(
        application_instance_id=actor.tenant_id,
        user_id=new.user_id,
        name=new.name,
        prefix=secret[:SHOWN],
        secret_hash=hash_of(secret),
        scopes=list(new.scopes),
        expires_at=new.expires_at,
    )
    db.session.add(key)
    db.session.flush()
    record(actor, "api_key.created", key)
    return key, secret


@command
def revoke_api_key(actor: Actor, key_id: UUID) -> ApiKey:
    """End a key at once: one's own, or with the right to, anybody's. Revoking twice is revoking once."""
    key = fetch(actor, ApiKey, key_id, "api_key.view")
    if key.user_id != actor.user_id:
        require(actor, "api_key.revoke")
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        db.session.flush()
        record(actor, "api_key.revoked", key)
    return key
