"""Who holds a socket, and whether they may keep it: asked when it is opened, and again and again while it is open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core import tenancy
from app.core.database import db
from app.core.session_times import SessionTimes, SessionUse, times_of
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


def welcome(holders: Collection[Holder], *, now: datetime, bounds: SessionTimes) -> set[Holder]:
    """Those of them whose session goes on, and who still work in the organisation, which is open itself.

    `bounds` are what the installation allows. One query for all sessions, and one for each organisation.
    """
    if not holders:
        return set()
    alive = {
        (row.id, row.user_id): SessionUse(row.last_seen_at, row.signed_in_at)
        for row in db.session.execute(
            select(UserSession.id, UserSession.user_id, UserSession.last_seen_at, UserSession.signed_in_at)
            .join(User, User.user_id == UserSession.user_id)
            .where(UserSession.id.in_({holder.session_id for holder in holders}), User.deactivated_at.is_(None))
            .where(UserSession.expires_at > now, UserSession.last_seen_at > now - bounds.idle)
        )
    }
    staying = {holder for holder in holders if (holder.session_id, holder.user_id) in alive}
    by_tenant: dict[UUID, set[Holder]] = {}
    for holder in staying:
        if holder.tenant_id is not None:
            by_tenant.setdefault(holder.tenant_id, set()).add(holder)
    for tenant_id, theirs in by_tenant.items():
        members = _members(tenant_id, {holder.user_id for holder in theirs})
        for holder in theirs:
            times, use = members.get(holder.user_id), alive[holder.session_id, holder.user_id]
            if times is None or not times.within(bounds).allow(use, now):
                staying.remove(holder)
    return staying


def _members(tenant_id: UUID, user_ids: Collection[int]) -> dict[int, SessionTimes]:
    """Which of these people work in an organisation that is neither suspended nor closed, and its session times."""
    with tenancy.entered(db.session, tenant_id):
        return {
            row.user_id: times_of(row)
            for row in db.session.execute(
                select(
                    ApplicationInstanceUser.user_id,
                    ApplicationInstance.session_idle_minutes,
                    ApplicationInstance.session_hours,
                )
                .join(ApplicationInstance, ApplicationInstance.id == ApplicationInstanceUser.application_instance_id)
                .where(ApplicationInstance.id == tenant_id, ApplicationInstanceUser.user_id.in_(user_ids))
                .where(ApplicationInstanceUser.deactivated_at.is_(None))
                .where(ApplicationInstance.suspended_at.is_(None), ApplicationInstance.closed_at.is_(None))
            )
        }
