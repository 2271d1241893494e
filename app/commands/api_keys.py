"""Make, rotate and revoke API keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.database import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import new_token
from app.core.permissions import fetch, require
from app.core.phrases import phrase
from app.core.roles import OWN_SCOPES
from app.core.transaction import command
from app.models.api_keys import PREFIX, SHOWN, ApiKey, hash_of
from app.models.application_instances import ApplicationInstanceUser
from app.schemas.api_keys import Rotation
from app.schemas.tenants import NewApiKey


@command
def create_api_key(actor: Actor, new: NewApiKey) -> tuple[ApiKey, str]:
    """Make a key that acts for a member, and return it with its secret: this is the only time that it is to be had.

    Raises Invalid for somebody who does not work here, an end in the past, or a scope that one does not have oneself.
    """
    require(actor, "api_key.create")
    if actor.authenticated_by == "api_key":
        raise Forbidden(phrase("A key cannot make another: sign in yourself."))
    if actor.user_id not in (None, new.user_id):
        raise Forbidden(phrase("A key acts for the person who makes it. Nobody can make one for somebody else."))
    if not _hold_membership(actor, new.user_id):
        raise Invalid({"user_id": phrase("Nobody with this id works here.")})
    if new.expires_at is not None and new.expires_at <= clock.now():
        raise Invalid({"expires_at": phrase("This is in the past.")})
    own = OWN_SCOPES.keys() | {"*"}
    beyond = [scope for scope in new.scopes if scope not in own and not actor.may_somewhere(scope)]
    if beyond and actor.user_id is not None:
        raise Invalid({"scopes": phrase("Your roles do not allow this: %(value)s.", value=", ".join(beyond))})
    return _made(actor, ApiKey(**new.model_dump(exclude={"scopes", "networks"})), new.scopes, new.networks)


@command
def rotate_api_key(actor: Actor, key_id: UUID, rotation: Rotation) -> tuple[ApiKey, str]:
    """Make a new key in the place of one's own, and return it with its secret. The old one is good for a while longer.

    The new one lasts as long as the old one was made for. A key may exchange itself, and no other: it would come to
    know the secret of one that may more. Raises Forbidden, and Conflict for a key that has ended or was rotated before.
    """
    _hold_membership(actor, select(ApiKey.user_id).filter_by(id=key_id).scalar_subquery())
    old = fetch(actor, ApiKey, key_id, "api_key.view", lock=True)
    require(actor, "api_key.create")
    if actor.user_id not in (None, old.user_id):
        raise Forbidden(phrase("A key is rotated by the person it acts for: nobody else may learn its new secret."))
    if actor.authenticated_by == "api_key" and actor.credential_id != old.id:
        raise Forbidden(phrase("A key can exchange itself only. Sign in to rotate another."))
    now = clock.now()
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict(phrase("This key has ended. Make a new one."))
    if db.session.scalar(select(ApiKey.id).where(ApiKey.replaces_id == old.id)) is not None:
        raise Conflict(phrase("This key has been rotated already. Rotate the one that took its place."))
    lasts = old.expires_at - old.created_at if old.expires_at else None
    successor = ApiKey(
        user_id=old.user_id, name=old.name, replaces_id=old.id, expires_at=now + lasts if lasts else None
    )
    made, secret = _made(actor, successor, old.scopes, old.networks)
    ends = now + timedelta(hours=rotation.overlap_hours)
    old.expires_at = min(old.expires_at or ends, ends)
    db.session.flush()
    record(actor, "api_key.rotated", old, facts={"by": str(made.id)})
    announce(old)
    return made, secret


@command
def revoke_api_key(actor: Actor, key_id: UUID) -> ApiKey:
    """End a key at once: one's own, or with the right to, anybody's. Revoking twice is revoking once."""
    key = fetch(actor, ApiKey, key_id, "api_key.view", lock=True)
    if key.user_id != actor.user_id:
        require(actor, "api_key.revoke")
    if key.revoked_at is None:
        _revoke(actor, key)
    return key


def revoke_keys_of(actor: Actor, user_id: int) -> None:
    """End every key of a person in the organisation for good. Whoever calls this has asked for permission."""
    theirs = select(ApiKey).filter_by(application_instance_id=actor.tenant_id, user_id=user_id, revoked_at=None)
    for key in db.session.scalars(theirs.order_by(ApiKey.id).with_for_update()).all():
        _revoke(actor, key)


def _hold_membership(actor: Actor, user_id: Any) -> bool:
    """Whether somebody works here. Whoever lets them go waits until a key is made, before any is held, and ends it."""
    person = select(ApplicationInstanceUser.user_id).where(
        ApplicationInstanceUser.application_instance_id == actor.tenant_id,
        ApplicationInstanceUser.user_id == user_id,
        ApplicationInstanceUser.deactivated_at.is_(None),
    )
    return db.session.scalar(person.with_for_update(read=True)) is not None


def _revoke(actor: Actor, key: ApiKey) -> None:
    key.revoked_at = clock.now()
    db.session.flush()
    record(actor, "api_key.revoked", key)
    announce(key)


def _made(actor: Actor, key: ApiKey, scopes: Iterable[str], networks: Iterable[str]) -> tuple[ApiKey, str]:
    """The key with a new secret, stored and recorded."""
    secret = PREFIX + new_token()
    key.application_instance_id = actor.tenant_id
    key.prefix, key.secret_hash = secret[:SHOWN], hash_of(secret)
    key.scopes, key.networks = list(scopes), list(networks)
    db.session.add(key)
    db.session.flush()
    record(actor, "api_key.created", key)
    announce(key, "created")
    return key, secret
