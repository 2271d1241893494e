"""Whose password a link may set anew."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock
from app.core.database import db
from app.models.invitations import hash_of
from app.models.user_sessions import password_resets
from app.models.users import User
from app.queries.identity import tenants_of


def find_password_reset(token: str, *, lock: bool = False) -> User | None:
    """The person whose password waits for this token, or None once it was used, has run out, or they have left."""
    waiting = select(password_resets.c.user_id).where(
        password_resets.c.token_hash == hash_of(token), password_resets.c.expires_at > clock.now()
    )
    user_id = db.session.scalar(waiting)
    user = None if user_id is None else db.session.get(User, user_id, with_for_update=lock or None)
    return user if user is not None and may_have_link(user) else None


def may_have_link(user: User) -> bool:
    """Whether there is anything that this person could do with a password."""
    return user.may_sign_in and bool(tenants_of(user.user_id))
