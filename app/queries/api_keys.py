"""The API keys of an organisation. Their secrets are nowhere to be read."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.paging import Listing, Page, Paging
from app.core.permissions import fetch, in_sight, require, sight_of
from app.models.api_keys import ApiKey
from app.models.users import User

_Newer = aliased(ApiKey)
_KEYS = (
    select(
        ApiKey.id,
        ApiKey.name,
        ApiKey.prefix,
        ApiKey.scopes,
        ApiKey.networks,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        ApiKey.last_used_at,
        ApiKey.last_used_network,
        ApiKey.replaces_id,
        ApiKey.created_at,
        ApiKey.user_id,
        User.name.label("user_name"),
        User.email.label("user_email"),
        ((ApiKey.revoked_at.is_not(None)) | (ApiKey.expires_at <= bindparam("now"))).label("has_ended"),
        exists()
        .where(_Newer.application_instance_id == ApiKey.application_instance_id, _Newer.replaces_id == ApiKey.id)
        .label("is_replaced"),
    )
    .join(User, User.user_id == ApiKey.user_id)
    .where(ApiKey.application_instance_id == bindparam("tenant"))
)
_ALL = Listing(_KEYS, ApiKey.id)
_OWN = Listing(_KEYS.where(ApiKey.user_id == bindparam("person")), ApiKey.id)


WHOSE = ("all", "mine")


def list_api_keys(actor: Actor, paging: Paging | None = None, *, only_own: bool = False) -> Page[Any]:
    """Keys that one may see, newest first: whose each is, how it begins, what it may, and when it was last used."""
    values = {"tenant": actor.tenant_id, "now": clock.now()}
    sight = in_sight(actor, ApiKey)
    if only_own and sight is None:
        return _OWN.page(db.session, paging or Paging(), values=values | {"person": actor.user_id})
    if sight is None:
        return _ALL.page(db.session, paging or Paging(), values=values)
    return _in_part(sight).page(db.session, paging or Paging(), values=values | sight_of(actor, ApiKey))


@cache
def _in_part(sight: ColumnElement[bool]) -> Listing:
    return Listing(_KEYS.where(sight), ApiKey.id)


def keys_of_person(actor: Actor, user_id: int) -> list[Any]:
    """The keys of a person that work now: one's own, or anybody's for who may see them."""
    sees_all = in_sight(actor, ApiKey) is None
    if not (sees_all or user_id == actor.user_id):
        return []
    query = _KEYS.where(ApiKey.user_id == bindparam("person"), ApiKey.revoked_at.is_(None)).limit(100)
    rows = db.session.execute(query, {"tenant": actor.tenant_id, "now": clock.now(), "person": user_id})
    return [row for row in rows if not row.has_ended]


def get_api_key(actor: Actor, key_id: UUID) -> Any:
    """One key as the list has it, to rotate or to revoke it. Raises NotFound, or Forbidden for somebody else's."""
    key = fetch(actor, ApiKey, key_id, "api_key.view")
    if key.user_id != actor.user_id:
        require(actor, "api_key.revoke")
    values = {"tenant": actor.tenant_id, "now": clock.now(), "key": key_id}
    return db.session.execute(_KEYS.where(ApiKey.id == bindparam("key")), values).one()
