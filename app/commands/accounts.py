"""What people do with their own account: password and sessions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete

from app.commands.ended_sessions import end_sessions, end_sessions_of
from app.commands.identity_events import happened
from app.core import common_passwords, passwords
from app.core.actor import SignedIn, Visitor
from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.mails import send_mail
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.user_sessions import UserSession, password_resets
from app.models.users import User
from app.queries.identity import locale_of, tenants_of
from app.schemas.accounts import PasswordChange

OWN = "everybody looks after their own account"


@command(anyone=OWN)
def change_password(actor: SignedIn, change: PasswordChange) -> None:
    """Exchange one's password for another, and end the other sessions if that is wanted.

    Raises Invalid where the old one is not right, or the new one is easily guessed.
    """
    user = _oneself(actor)
    if not passwords.matches(change.old_password, user.password_hash):
        raise Invalid({"old_password": phrase("This is not your present password.")})
    set_own_password(user, change.new_password, "new_password")
    if change.end_others:
        end_sessions_of(user.user_id, but=actor.session_id)
    happened(actor.origin, user.user_id, "user.password_changed", others_ended=change.end_others)
    tell_of_new_password(Visitor(actor.origin), user)


@command(anyone=OWN)
def end_own_session(actor: SignedIn, session_id: UUID) -> None:
    """End one of one's own sessions at once. Raises NotFound for any other."""
    if not end_sessions(UserSession.id == session_id, UserSession.user_id == actor.user_id):
        raise NotFound
    happened(actor.origin, actor.user_id, "user.sessions_ended", how_many=1)


@command(anyone=OWN)
def end_other_sessions(actor: SignedIn) -> int:
    """End every session of one's own but this one; a program is in none, and ends all. Returns how many there were."""
    _oneself(actor)
    ended = end_sessions_of(actor.user_id, but=actor.session_id)
    if ended:
        happened(actor.origin, actor.user_id, "user.sessions_ended", how_many=ended)
    return ended


def _oneself(actor: SignedIn) -> User:
    """The person, held: the password stays as it is, and no session goes on under another cookie.

    Rows that only name the person are let in.
    """
    return db.session.get_one(User, actor.user_id, with_for_update={"key_share": True}, populate_existing=True)


def set_own_password(user: User, password: str, field: str) -> None:
    """Give a person a password of their choice; links that would set another are void from now on.

    Raises Invalid for `field` where the password is easily guessed.
    """
    about = [user.name, user.email, *(tenant.name for tenant in tenants_of(user.user_id))]
    common_passwords.refuse_easily_guessed(field, password, about)
    user.password_hash = passwords.hash_password(password)
    db.session.execute(delete(password_resets).where(password_resets.c.user_id == user.user_id))


def tell_of_new_password(visitor: Visitor, user: User) -> None:
    """Say by mail that a password was changed: should it have been somebody else, the person learns of it."""
    send_mail(
        visitor,
        to=user.email,
        template="password_changed",
        locale=locale_of(user),
        name=user.name,
        path="/password-reset",
    )
