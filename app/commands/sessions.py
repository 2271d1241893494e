"""Sign in and out."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock, passwords
from app.core.actor import Actor, Origin, Visitor
from app.core.audit import network_of
from app.core.database import db
from app.core.errors import Invalid, RateLimited
from app.core.transaction import command
from app.models.api_keys import ApiKey
from app.models.user_sessions import UserSession, sign_in_attempts
from app.models.users import User
from app.schemas.sessions import Credentials

WINDOW = timedelta(minutes=1)
PER_ACCOUNT_AND_NETWORK = 10  # wrong guesses a window; a stranger elsewhere cannot use them up for the real person
PER_NETWORK = 60

REFUSED = "The e-mail address or the password is not right."


@command(anyone="guessing is what is being counted")
def count_guess(visitor: Visitor, given: Credentials) -> None:
    """Count a guess before it is looked at, so that a burst of them is no way round the limit. Raises RateLimited.

    The counters are in PostgreSQL: they outlive the loss of any cache.
    """
    limits = dict(_subjects(visitor.origin, given.email))
    counted = db.session.execute(_count_up(sorted(limits))).all()
    over = [row.window_ends_at for row in counted if row.failures > limits[bytes(row.subject_hash)]]
    if over:
        seconds = int((max(over) - clock.now()).total_seconds()) + 1
        raise RateLimited(max(1, seconds), "Too many tries. Wait a minute and try again.")


@command(
    anyone="signing in comes before permissions", unrecorded="trails belong to organisations, and none is entered yet"
)
def check_credentials(visitor: Visitor, given: Credentials) -> int:
    """The id of the person behind an address and a password, whose guesses are then forgotten.

    Raises Invalid with the same words whether the address is unknown or the password is wrong.
    """
    user = db.session.scalar(select(User).where(func.lower(User.email) == given.email.lower()))
    known = user.password_hash if user is not None and user.may_sign_in else None
    if not passwords.matches(given.password, known) or user is None:
        raise Invalid({"_": REFUSED})
    account, network = _subjects(visitor.origin, given.email)
    db.session.execute(delete(sign_in_attempts).where(sign_in_attempts.c.subject_hash == account[0]))
    db.session.execute(
        update(sign_in_attempts)
        .where(sign_in_attempts.c.subject_hash == network[0])
        .values(failures=func.greatest(sign_in_attempts.c.failures - 1, 0))
    )
    if user.password_hash and passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.hash_password(given.password)
    return user.user_id


@command(anyone="a browser keeps its own session")
def keep_session(
    _visitor: Visitor, session_id: UUID | None, token_hash: bytes, data: dict[str, Any], lasts: timedelta
) -> None:
    """Store a browser session under a new cookie: the row of an old one goes."""
    user_id = int(data["_user_id"]) if "_user_id" in data else None
    kept = db.session.get(UserSession, session_id) if session_id else None
    if kept is not None:
        db.session.delete(kept)
    now = clock.now()
    db.session.add(
        UserSession(token_hash=token_hash, data=data, user_id=user_id, last_seen_at=now, expires_at=now + lasts)
    )


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
    db.session.execute(delete(UserSession).where(UserSession.id == session_id))


@command(anyone="a key notes its own use", unrecorded="requests are in the log; this is a convenience")
def touch_api_key(actor: Actor, key_id: UUID) -> None:
    """Note when a key was last used, and from which network."""
    db.session.execute(
        update(ApiKey.__table__)  # type: ignore[arg-type]
        .where(ApiKey.id == key_id, ApiKey.application_instance_id == actor.tenant_id)
        .values(last_used_at=clock.now(), last_used_network=network_of(actor.origin.ip_address))
    )


def _subjects(origin: Origin, email: str) -> list[tuple[bytes, int]]:
    """Whose guesses are counted, and how many they have: the account from this network, and the network as a whole."""
    network = _network(origin.ip_address)
    return [
        (_hash(f"account:{email.strip().lower()}:{network}"), PER_ACCOUNT_AND_NETWORK),
        (_hash(f"network:{network}"), PER_NETWORK),
    ]


def _network(ip_address: str | None) -> str:
    """An address, or for IPv6 the /64 that one customer has."""
    if ip_address is None:
        return "-"
    address = ipaddress.ip_address(ip_address)
    return str(ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False))


def _count_up(subjects: list[bytes]) -> Any:
    """One more try for each subject; a window that is over starts anew."""
    now = clock.now()
    attempts = sign_in_attempts.c
    over = attempts.window_ends_at <= now
    return (
        insert(sign_in_attempts)
        .values([{"subject_hash": subject, "failures": 1, "window_ends_at": now + WINDOW} for subject in subjects])
        .on_conflict_do_update(
            index_elements=["subject_hash"],
            set_={
                "failures": case((over, 1), else_=attempts.failures + 1),
                "window_ends_at": case((over, now + WINDOW), else_=attempts.window_ends_at),
            },
        )
        .returning(attempts.subject_hash, attempts.failures, attempts.window_ends_at)
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
