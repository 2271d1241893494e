"""What somebody sees of their own account: sessions, ways of signing in, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core import clock, guessing
from app.core.actor import SignedIn
from app.core.database import db
from app.core.errors import NotFound
from app.models.identity_events import IdentityEvent
from app.models.passkeys import Passkey
from app.models.second_steps import TO_CONFIRM, RecoveryCode, TotpSecret
from app.models.user_sessions import UserSession, known_devices
from app.models.users import User

MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody can be signed in as: by an app, by passkeys; and how many recovery codes are left."""

    app_since: Any
    passkeys: list[Passkey]
    codes_left: int

    @property
    def has_second_step(self) -> bool:
        """Whether a password alone is not enough."""
        return self.app_since is not None or bool(self.passkeys)

    @property
    def passkeys_to_use(self) -> list[Passkey]:
        """Those that let one in."""
        return [passkey for passkey in self.passkeys if not passkey.is_suspected]


def ways_of(user_id: int) -> Ways:
    """Every way of signing in that a person has beside the password."""
    app_since = db.session.scalar(select(TotpSecret.confirmed_at).where(TotpSecret.user_id == user_id))
    passkeys = list(db.session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))
    left = db.session.scalar(
        select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    )
    return Ways(app_since, passkeys, left or 0)


def get_profile(actor: SignedIn) -> User:
    """One's own profile, as it is now."""
    return db.session.get_one(User, actor.user_id, populate_existing=True)


def own_passkey(actor: SignedIn, passkey_id: UUID) -> Passkey:
    """One of one's own passkeys. Raises NotFound for any other."""
    found = select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == actor.user_id)
    passkey = db.session.scalar(found)
    if passkey is None:
        raise NotFound
    return passkey


def list_sessions(actor: SignedIn) -> list[UserSession]:
    """The browsers in which somebody is signed in, the one in use now first, then by when they were last seen."""
    mine = select(UserSession).where(UserSession.user_id == actor.user_id, UserSession.expires_at > clock.now())
    this_one = UserSession.id.is_not_distinct_from(actor.session_id)
    newest = mine.order_by(this_one.desc(), UserSession.last_seen_at.desc())
    return list(db.session.scalars(newest.limit(MOST_EVENTS)))


def list_events(actor: SignedIn, limit: int = MOST_EVENTS) -> list[IdentityEvent]:
    """What happened to the account, newest first."""
    mine = select(IdentityEvent).where(IdentityEvent.user_id == actor.user_id)
    return list(db.session.scalars(mine.order_by(IdentityEvent.id.desc()).limit(limit)))


def knows_device(user_id: int, token: str) -> bool:
    """Whether `token` is the cookie of a browser in which the person has signed in before."""
    if not token:
        return False
    found = select(known_devices.c.user_id).where(
        known_devices.c.token_hash == guessing.subject(token),
        known_devices.c.user_id == user_id,
        known_devices.c.expires_at > clock.now(),
    )
    return db.session.scalar(found) is not None


def waiting_secret(actor: SignedIn) -> TotpSecret | None:
    """The secret that waits to be confirmed by a code, or None where there is none, or it waited too long."""
    since = clock.now() - TO_CONFIRM
    return db.session.scalar(
        select(TotpSecret).where(
            TotpSecret.user_id == actor.user_id, TotpSecret.confirmed_at.is_(None), TotpSecret.created_at > since
        )
    )
