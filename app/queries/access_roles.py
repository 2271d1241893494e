"""Roles with what they allow and where they are in use. They lie in no program: who may see any of them sees all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db
from app.core.errors import NotFound
from app.core.permissions import require_somewhere
from app.core.roles import POWERS, SHIPPED_ROLES
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessPermission, AccessRole
from app.models.invitations import Invitation

_ORDER = {key: place for place, key in enumerate(SHIPPED_ROLES)}


def _how_many(counted: Any, column: Any, *where: Any) -> Any:
    return select(func.count(counted)).where(column == AccessRole.id, *where).correlate(AccessRole).scalar_subquery()


_ALLOWED = (
    select(func.coalesce(func.array_agg(AccessPermission.permission), cast(array([]), ARRAY(Text))))
    .where(AccessPermission.access_role_id == AccessRole.id)
    .where(AccessPermission.application_instance_id == bindparam("tenant"))
    .correlate(AccessRole)
    .scalar_subquery()
)
_ROLES = select(
    AccessRole.id,
    AccessRole.key,
    AccessRole.name,
    AccessRole.description,
    AccessRole.is_shipped,
    AccessRole.manages_every_role,
    AccessRole.managed_role_ids,
    AccessRole.version,
    AccessRole.created_at,
    AccessRole.updated_at,
    _ALLOWED.label("permissions"),
    _how_many(AccessGrant.user_id, AccessGrant.access_role_id).label("people"),
    _how_many(AccessGrant.user_group_id, AccessGrant.access_role_id).label("groups"),
    _how_many(
        Invitation.id,
        Invitation.access_role_id,
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
    ).label("invitations"),
).where(AccessRole.application_instance_id == bindparam("tenant"))
_ROLE = _ROLES.where(AccessRole.id == bindparam("role"))


def list_access_roles(actor: Actor) -> list[Any]:
    """Every role: those that came with the organisation, then its own by name. One query."""
    require_somewhere(actor, "access_role.view")
    rows = list(db.session.execute(_ROLES, {"tenant": actor.tenant_id}))
    return sorted(rows, key=lambda row: (_ORDER.get(row.key, len(_ORDER)), row.name.casefold()))


def get_access_role(actor: Actor, role_id: UUID) -> Any:
    """One role. Raises NotFound where there is none that the actor may see."""
    require_somewhere(actor, "access_role.view")
    row = db.session.execute(_ROLE, {"tenant": actor.tenant_id, "role": role_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def is_power_among(actor: Actor, role_ids: Collection[UUID]) -> bool:
    """Whether one of the roles is one of power: by it somebody can make others who give roles, or has one of POWERS.

    Tells nobody anything: it decides whether a person is asked once more who they are.
    """
    if not role_ids:
        return False
    lower = aliased(AccessRole)
    hands_on = exists().where(
        lower.application_instance_id == actor.tenant_id,
        lower.id == any_(AccessRole.managed_role_ids),
        or_(lower.manages_every_role, func.cardinality(lower.managed_role_ids) > 0),
    )
    allows = exists().where(
        AccessPermission.application_instance_id == actor.tenant_id,
        AccessPermission.access_role_id == AccessRole.id,
        AccessPermission.permission.in_(POWERS),
    )
    found = (
        select(AccessRole.id)
        .where(AccessRole.application_instance_id == actor.tenant_id, AccessRole.id.in_(role_ids))
        .where(or_(AccessRole.manages_every_role, hands_on, allows))
        .limit(1)
    )
    return db.session.scalar(found) is not None
