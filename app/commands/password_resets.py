"""Set a forgotten password anew: ask for a link, and use it once within an hour."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select

from app.commands.accounts import set_own_password, tell_of_new_password
from app.commands.ended_sessions import end_sessions
from app.commands.identity_events import happened
from app.commands.second_steps import forget_tries
from app.commands.sessions import forget_guesses
from app.core import clock, guessing
from app.core.actor import Origin, Visitor
from app.core.database import db
from app.core.errors import NotFound
from app.core.ids import new_token
from app.core.mails import ask_for_mail, find_mail, forget_mail, send_mail
from app.core.transaction import command
from app.models.invitations import hash_of
from app.models.user_sessions import UserSession, known_devices, password_resets
from app.models.users import User
from app.queries.identity import locale_of
from app.queries.password_resets import find_password_reset, may_have_link
from app.schemas.password_resets import Reset, ResetWish

ANSWERING = "password_resets.answer"
LASTS = timedelta(hours=1)
PAUSE = timedelta(minutes=5)  # one mail in so long, whoever asks: a link can be used before a stranger's wish ends it
PER_ADDRESS_AND_NETWORK = 3  # wishes a window; a stranger elsewhere cannot use them up for the real person
PER_NETWORK = 20


@command(anyone="who has forgotten their password cannot say who they are")
def count_wish(visitor: Visitor, wish: ResetWish) -> None:
    """Count a wish before it is looked at. Raises RateLimited.

    All networks together are not counted: strangers could keep somebody from asking. `PAUSE` is what spares a mailbox.
    """
    network = guessing.network_name(visitor.origin.ip_address)
    shared = guessing.subject(f"password reset:network:{network}")
    own = guessing.subject(f"password reset:{wish.email.lower()}:{network}")
    guessing.count({own: PER_ADDRESS_AND_NETWORK, shared: PER_NETWORK}, steady=[shared])


@command(anyone="who has forgotten their password cannot say who they are", unrecorded="whose it is, the job finds out")
def ask_for_reset(visitor: Visitor, wish: ResetWish) -> None:
    """Leave a wish to the job. Here nothing depends on whether the address has an account."""
    ask_for_mail(
        visitor,
        ANSWERING,
        to=wish.email,
        template="password_reset",
        network=visitor.origin.ip_address or "",
        browser=visitor.origin.user_agent or "",
    )


@command(anyone="the job that answers a wish", unrecorded="for a person it is recorded, for nobody nothing happens")
def answer_wish(visitor: Visitor, wish_id: UUID) -> None:
    """Send a link to the person behind an address, if there is one; links of before are void. Once for each wish.

    The mail goes to the address as the account has it, however it was spelled by whoever asked.
    """
    wish = find_mail(wish_id)
    if wish is None:
        return
    forget_mail(wish_id)
    by_address = select(User).where(func.lower(User.email) == func.lower(wish.to))
    user = db.session.scalar(by_address.with_for_update())  # two wishes at once are two, one after the other
    if user is None or not may_have_link(user) or _has_new_link(user.user_id):
        return
    token = _new_token(user.user_id)
    origin = Origin(ip_address=wish.values["network"] or None, user_agent=wish.values["browser"] or None)
    happened(origin, user.user_id, "user.password_reset_asked")
    send_mail(
        visitor,
        to=user.email,
        template=wish.template,
        locale=locale_of(user),
        name=user.name,
        path=f"/password-reset/{token}",
    )


@command(anyone="the token in the mail is the permission")
def reset_password(visitor: Visitor, token: str, reset: Reset) -> User:
    """Set a password anew by the token of a mail, which is used up. Whoever was signed in as this person is so no more.

    Nobody is signed in by it, and a second step is asked for as ever. Guesses at the password of before are forgotten.
    Raises NotFound for a token that opens nothing (any more), Invalid where the new password is easily guessed.
    """
    user = find_password_reset(token, lock=True)
    used = delete(password_resets).where(password_resets.c.token_hash == hash_of(token))
    if user is None or db.session.scalar(used.returning(password_resets.c.user_id)) is None:  # else somebody was faster
        raise NotFound
    set_own_password(user, reset.new_password, "new_password")
    _shut_out_everybody(user.user_id)
    forget_guesses(visitor.origin, user.email)
    forget_tries(visitor.origin, user.user_id)
    happened(visitor.origin, user.user_id, "user.password_reset")
    tell_of_new_password(visitor, user)
    return user


def _has_new_link(user_id: int) -> bool:
    newest = select(func.max(password_resets.c.expires_at)).where(password_resets.c.user_id == user_id)
    expires_at = db.session.scalar(newest)
    return expires_at is not None and expires_at > clock.now() + LASTS - PAUSE


def _new_token(user_id: int) -> str:
    token = new_token()
    db.session.execute(delete(password_resets).where(password_resets.c.user_id == user_id))
    db.session.execute(
        insert(password_resets).values(token_hash=hash_of(token), user_id=user_id, expires_at=clock.now() + LASTS)
    )
    return token


def _shut_out_everybody(user_id: int) -> None:
    """End every session of a person, those that wait for the second step too, and know no browser as theirs."""
    first_step = UserSession.data["first_step"]["user_id"].astext == str(user_id)
    end_sessions(or_(UserSession.user_id == user_id, first_step))
    db.session.execute(delete(known_devices).where(known_devices.c.user_id == user_id))
