"""Who holds a socket, and whether they may keep it: asked when it is opened, and again and again while it is open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

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

    def __hash__(self) -> int:
        """By the session: it is asked for again and again, for a thousand of them at a time."""
        return hash(self.session_id)


# Built once, with an array in the place of each list: a thousand placeholders would cost more than the statement.
_ALIVE = (
    select(UserSession.id, UserSession.user_id, UserSession.last_seen_at, UserSession.signed_in_at)
    .join(User, User.user_id == UserSession.user_id)
    .where(UserSession.id == any_(bindparam("sessions", type_=ARRAY(Uuid))), User.deactivated_at.is_(None))
    .where(UserSession.expires_at > bindparam("now"), UserSession.last_seen_at > bindparam("seen_after"))
)
_AT_WORK = (
    select(
        ApplicationInstanceUser.user_id,
        ApplicationInstance.session_idle_minutes,
        ApplicationInstance.session_hours,
    )
    .join(ApplicationInstance, ApplicationInstance.id == ApplicationInstanceUser.application_instance_id)
    .where(ApplicationInstance.id == bindparam("tenant"))
    .where(ApplicationInstanceUser.user_id == any_(bindparam("people", type_=ARRAY(BigInteger))))
    .where(ApplicationInstanceUser.deactivated_at.is_(None))
    .where(ApplicationInstance.suspended_at.is_(None), ApplicationInstance.closed_at.is_(None))
)


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
    sessions = [holder.session_id for holder in holders]
    given = {"sessions": sessions, "now": now, "seen_after": now - bounds.idle}
    alive = {row.id: row for row in db.session.execute(_ALIVE, given)}
    staying: set[Holder] = set()
    by_tenant: dict[UUID, list[tuple[Holder, SessionUse]]] = {}
    for holder in holders:
        session = alive.get(holder.session_id)
        if session is None or session.user_id != holder.user_id:
            continue
        if holder.tenant_id is None:
            staying.add(holder)
        else:
            use = SessionUse(session.last_seen_at, session.signed_in_at)
            by_tenant.setdefault(holder.tenant_id, []).append((holder, use))
    for tenant_id, theirs in by_tenant.items():
        members = _members(tenant_id, {holder.user_id for holder, _use in theirs})
        within = {user_id: times.within(bounds) for user_id, times in members.items()}
        staying.update(
            holder for holder, use in theirs if holder.user_id in within and within[holder.user_id].allow(use, now)
        )
    return staying


def _members(tenant_id: UUID, user_ids: Collection[int]) -> dict[int, SessionTimes]:
    """Which of these people work in an organisation that is neither suspended nor closed, and its session times."""
    with tenancy.entered(db.session, tenant_id):
        return {
            row.user_id: times_of(row)
            for row in db.session.execute(_AT_WORK, {"tenant": tenant_id, "people": list(user_ids)})
        }
