"""The pictures of people, for those who may see who works here."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.core.actor import Actor, SignedIn
from app.core.database import db
from app.core.errors import NotFound
from app.core.permissions import require_somewhere
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_avatars import UserAvatar


def own_avatar(person: SignedIn, avatar_id: UUID) -> bytes:
    """One's own picture, as WebP. Raises NotFound for one that is not one's own, or was taken away."""
    mine = select(UserAvatar).where(UserAvatar.user_id == person.user_id, UserAvatar.id == avatar_id)
    return _opened(db.session.scalar(mine))


def get_avatar(actor: Actor, user_id: int, avatar_id: UUID) -> bytes:
    """The picture of somebody who works here. Raises NotFound for everybody else, and for who has left."""
    if user_id != actor.user_id:
        require_somewhere(actor, "user.view")
    theirs = (
        select(UserAvatar)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == UserAvatar.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .where(ApplicationInstanceUser.deactivated_at.is_(None))
        .where(UserAvatar.user_id == user_id, UserAvatar.id == avatar_id)
    )
    return _opened(db.session.scalar(theirs))


def _opened(found: UserAvatar | None) -> bytes:
    if found is None:
        raise NotFound
    return found.opened()
