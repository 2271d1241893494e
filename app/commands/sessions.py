"""Sign in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.commands.ended_sessions import end_sessions
from app.commands.identity_events import happened
from app.core import clock, guessing, passwords
from app.core.actor import Actor, Origin, Visitor
from app.core.audit import network_of
from app.core.database import db
from app.core.errors import Invalid
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.api_keys import ApiKey
from app.models.user_sessions import UserSession, known_devices
from app.models.users import User
from app.schemas.sessions import Credentials

PER_ACCOUNT_AND_NETWORK = 10  # wrong guesses a window; a stranger elsewhere cannot use them up for the real person
PER_NETWORK = 60
TOLD_AT = 200  # guesses at one account from everywhere within a minute: the log says so, and nobody waits for it
KNOWN_FOR = timedelta(days=180)

REFUSED = phrase("The e-mail address or the password is not right.")

log = structlog.get_logger(__name__)


@command(anyone="guessing is what is being counted")
def count_guess(visitor: Visitor, given: Credentials, device: str = "") -> None:
    """Count a guess before it is looked at, so that a burst of them is no way round the limit. Raises RateLimited.

    `device` is the cookie of a browser in which somebody has signed in before: it has a count of its own, so that
    strangers who guess at an account keep nobody out who uses it. What all of them do together delays nobody: it would
    be a way to keep the real person out.
    """
    subjects = _subjects(visitor.origin, given.email, _known(device, given.email))
    counted = guessing.count(dict(subjects), steady=_shared(visitor.origin))
    if counted.get(_account(given.email)) == TOLD_AT:
        log.warning("sign_in.one_account_is_guessed_at")


@command(
    anyone="signing in comes before permissions", unrecorded="whether it was enough is known after the second step"
)
def check_credentials(visitor: Visitor, given: Credentials, device: str = "") -> tuple[int, str]:
    """The id of the person behind an address and a password, whose guesses are then forgotten, and the password's mark.

    Raises Invalid with the same words whether the address is unknown or the password is wrong.
    """
    user = db.session.scalar(select(User).where(func.lower(User.email) == func.lower(given.email)))
    known = user.password_hash if user is not None and user.may_sign_in else None
    if not passwords.matches(given.password, known) or user is None:
        raise Invalid({"_": REFUSED})
    if known and passwords.needs_rehash(known):
        same = (User.user_id == user.user_id, User.password_hash == known)  # it may have been changed since
        known = passwords.hash_password(given.password)
        db.session.execute(update(User).where(*same).values(password_hash=known))
    own, *shared = (subject for subject, _limit in _subjects(visitor.origin, given.email, _known(device, given.email)))
    guessing.forget(own, give_back=shared)
    return user.user_id, passwords.mark_of(known)


@command(anyone="signing in comes before permissions")
def note_sign_in(visitor: Visitor, user_id: int, how: str) -> None:
    """Write down that somebody is in: `how` is "password", "code", "recovery code", "passkey", "invitation"."""
    happened(visitor.origin, user_id, "user.signed_in", how=how)


@command(anyone="a browser is known once somebody has signed in with it")
def keep_device(_visitor: Visitor, user_id: int, token: str) -> None:
    """Remember that this browser is one of the person's."""
    db.session.execute(
        insert(known_devices).values(
            token_hash=guessing.subject(token), user_id=user_id, expires_at=clock.now() + KNOWN_FOR
        )
    )


@command(anyone="a browser keeps its own session")
def keep_session(
    visitor: Visitor,
    session_id: UUID | None,
    token_hash: bytes,
    data: dict[str, Any],
    lasts: timedelta,
    password: str | None = None,
    goes_on: bool = False,
) -> bool:
    """Store a browser session under a new cookie: the row of an old one goes. Returns whether it was stored.

    A session gets a new cookie when somebody has just proved who they are; so long they have been signed in freshly.
    Where they have by a `password`, known by its mark, that was set anew in the meantime, there is no session: it would
    outlive those that ended with the password. Nor is there one where somebody was signed in already, has only proved
    it again and so `goes_on`, and that session was ended in the meantime.
    """
    user_id = int(data["_user_id"]) if "_user_id" in data else None
    if user_id is not None and (password is not None or goes_on):
        present = _held_mark(user_id)
        if password not in (None, present):
            return False
    kept = db.session.get(UserSession, session_id) if session_id else None
    if goes_on and kept is None:
        return False
    now = clock.now()
    again = kept is not None and user_id is not None and kept.user_id == user_id
    if kept is not None:
        end_sessions(UserSession.id == kept.id, again=again)
    db.session.add(
        UserSession(
            token_hash=token_hash,
            data=data,
            user_id=user_id,
            created_at=kept.created_at if kept is not None and again else now,
            last_seen_at=now,
            signed_in_at=now,
            expires_at=now + lasts,
            ip_network=network_of(visitor.origin.ip_address),
            user_agent=visitor.origin.user_agent,
        )
    )
    return True


@command(anyone="a browser keeps its own session")
def update_session(_visitor: Visitor, session_id: UUID, data: dict[str, Any]) -> None:
    """Store what a session holds now. One that was ended meanwhile stays ended: this makes no row."""
    changes = {"data": data, "last_seen_at": clock.now()}
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(changes))


@command(anyone="a browser keeps its own session")
def touch_session(_visitor: Visitor, session_id: UUID) -> None:
    """Note that somebody is still there."""
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=clock.now()))


@command(anyone="everybody may sign out")
def end_session(_visitor: Visitor, session_id: UUID) -> None:
    """End a browser session at once."""
    end_sessions(UserSession.id == session_id)


@command(anyone="a key notes its own use", unrecorded="requests are in the log; this is a convenience")
def touch_api_key(actor: Actor, key_id: UUID) -> None:
    """Note when a key was last used, and from which network."""
    db.session.execute(
        update(ApiKey.__table__)  # type: ignore[arg-type]
        .where(ApiKey.id == key_id, ApiKey.application_instance_id == actor.tenant_id)
        .values(last_used_at=clock.now(), last_used_network=network_of(actor.origin.ip_address))
    )


def forget_guesses(origin: Origin, email: str) -> None:
    """Forget the wrong guesses at an account from this network: the password that they were at is no more."""
    guessing.forget(_subjects(origin, email, "")[0][0])


def _held_mark(user_id: int) -> str:
    """The mark of the password of a person. Nobody changes it, or ends all sessions, before this has committed."""
    hashed = select(User.password_hash).where(User.user_id == user_id).with_for_update(read=True)
    return passwords.mark_of(db.session.scalar(hashed))


def _known(device: str, email: str) -> str:
    """The cookie of a browser that the person has signed in with before, else nothing."""
    found = device and db.session.scalar(
        select(known_devices.c.user_id)
        .join(User, User.user_id == known_devices.c.user_id)
        .where(known_devices.c.token_hash == guessing.subject(device), known_devices.c.expires_at > clock.now())
        .where(func.lower(User.email) == func.lower(email))
    )
    return device if found else ""


def _subjects(origin: Origin, email: str, device: str) -> list[tuple[bytes, int]]:
    """Whose guesses are counted, and how many they have: of a known browser itself, else of account and network."""
    name = email.strip().lower()
    if device:
        return [(guessing.subject(f"device:{device}:{name}"), PER_ACCOUNT_AND_NETWORK)]
    network = guessing.network_name(origin.ip_address)
    return [
        (guessing.subject(f"account:{name}:{network}"), PER_ACCOUNT_AND_NETWORK),
        *((shared, PER_NETWORK) for shared in _shared(origin)),
        (_account(email), guessing.NO_LIMIT),
    ]


def _shared(origin: Origin) -> list[bytes]:
    """A network, whoever asks from there."""
    return [guessing.subject(f"network:{guessing.network_name(origin.ip_address)}")]


def _account(email: str) -> bytes:
    """An account, wherever its name is given from."""
    return guessing.subject(f"account:{email.strip().lower()}")
