"""Who holds a socket, and whether they may keep it: asked when it is opened, and again and again while it is open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core import tenancy
from app.core.database import db
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.models.users import User


@dataclass(frozen=True, slots=True)
class Holder:
    """The session of a person, at work in one organisation, or with None in none."""

    session_id: UUID
    user_id: int
    tenant_id: UUID | None = None


def find_tenant_id(slug: str) -> UUID | None:
    """The id of the organisation with this name in addresses, or None where there is none."""
    if not (slug.isascii() and slug.isprintable()):
        return None
    return db.session.scalar(select(ApplicationInstance.id).where(ApplicationInstance.slug == slug))


def welcome(holders: Collection[Holder], *, now: datetime, seen_after: datetime) -> set[Holder]:
    """Those of them whose session goes on, and who still work in the organisation, which is open itself.

    One query for all sessions, and one for each organisation.
    """
    if not holders:
        return set()
    alive = set(
        db.session.execute(
            select(UserSession.id, UserSession.user_id)
            .join(User, User.user_id == UserSession.user_id)
            .where(UserSession.id.in_({holder.session_id for holder in holders}), User.deactivated_at.is_(None))
            .where(UserSession.expires_at > now, UserSession.last_seen_at > seen_after)
        ).tuples()
    )
    staying = {holder for holder in holders if (holder.session_id, holder.user_id) in alive}
    by_tenant: dict[UUID, set[Holder]] = {}
    for holder in staying:
        if holder.tenant_id is not None:
            by_tenant.setdefault(holder.tenant_id, set()).add(holder)
    for tenant_id, theirs in by_tenant.items():
        members = _members(tenant_id, {holder.user_id for holder in theirs})
        staying -= {holder for holder in theirs if holder.user_id not in members}
    return staying


def _members(tenant_id: UUID, user_ids: Collection[int]) -> set[int]:
    """Which of these people work in an organisation that is neither suspended nor closed."""
    with tenancy.entered(db.session, tenant_id):
        return set(
            db.session.scalars(
                select(ApplicationInstanceUser.user_id)
                .join(ApplicationInstance, ApplicationInstance.id == ApplicationInstanceUser.application_instance_id)
                .where(ApplicationInstance.id == tenant_id, ApplicationInstanceUser.user_id.in_(user_ids))
                .where(ApplicationInstanceUser.deactivated_at.is_(None))
                .where(ApplicationInstance.suspended_at.is_(None), ApplicationInstance.closed_at.is_(None))
            )
        )
