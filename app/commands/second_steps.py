"""Second steps: the codes of an authenticator app (RFC 6238); in their place a recovery code."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
from sqlalchemy import delete, select, update

from app.commands.identity_events import happened
from app.commands.recovery_codes import (
    forget_needless_codes,
    new_recovery_codes,
    normalised,
    one_at_a_time,
    use_recovery_code,
)
from app.core import clock, guessing
from app.core.actor import Origin, SignedIn, Visitor
from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.second_steps import TotpSecret
from app.queries.accounts import knows_device, waiting_secret, ways_of
from app.schemas.accounts import GivenCode

OWN = "everybody looks after their own account"
STEP = 30  # seconds
PER_NETWORK = 5  # wrong codes a window
PER_PERSON = 30  # from everywhere together: whoever tries has the password already
WRONG = phrase("This code is not right, or it was used before. Take the one that is shown now.")


@command(anyone=OWN, unrecorded="nothing holds until a code has confirmed it")
def start_totp(actor: SignedIn) -> None:
    """Make a secret for an authenticator app, which a code has to confirm. Raises Conflict where there is one."""
    one_at_a_time(actor)
    if _confirmed(actor.user_id) is not None:
        raise Conflict(phrase("An app is set up already. Remove it first to set up another."))
    db.session.execute(delete(TotpSecret).where(TotpSecret.user_id == actor.user_id))
    db.session.add(TotpSecret.sealed(actor.user_id, pyotp.random_base32()))


@command(anyone=OWN)
def confirm_totp(actor: SignedIn, given: GivenCode) -> list[str]:
    """Let the app count from now on.

    Returns the recovery codes, which can be shown this once; none where there is a passkey, and so codes, already.

    Raises Invalid where the code is not right, Conflict where nothing waits to be confirmed.
    """
    one_at_a_time(actor)
    waiting = waiting_secret(actor)
    if waiting is None:
        raise Conflict(phrase("There is nothing to confirm any more. Start again."))
    step = matching_step(waiting.opened(), given.code, clock.now())
    if step is None:
        raise Invalid({"code": phrase("This code is not right. Take the one that the app shows now.")})
    had_one = ways_of(actor.user_id).has_second_step
    waiting.confirmed_at, waiting.last_step = clock.now(), step
    db.session.flush()
    forget_tries(actor.origin, actor.user_id)
    happened(actor.origin, actor.user_id, "user.totp_added")
    return [] if had_one else new_recovery_codes(actor.user_id)


@command(anyone=OWN)
def remove_totp(actor: SignedIn) -> bool:
    """Let the app count no longer; without a passkey the recovery codes go too. Returns whether there was one."""
    one_at_a_time(actor)
    gone = delete(TotpSecret).where(TotpSecret.user_id == actor.user_id, TotpSecret.confirmed_at.is_not(None))
    if db.session.scalar(gone.returning(TotpSecret.user_id)) is None:
        return False
    forget_needless_codes(actor.user_id)
    happened(actor.origin, actor.user_id, "user.totp_removed")
    return True


@command(anyone="the second step comes before permissions")
def count_code(visitor: Visitor, user_id: int, device: str = "") -> None:
    """Count a code before it is looked at. Raises RateLimited.

    Six digits are few, so that all who guess together have to wait. That keeps nobody out of a browser that is known as
    one of theirs: `device` is its cookie. Elsewhere a new password ends it, as whoever guesses here has the old one.
    """
    if knows_device(user_id, device):
        guessing.count({guessing.subject(f"second step:{user_id}:device:{device}"): PER_NETWORK})
        return
    here, everywhere = _tries(visitor.origin, user_id)
    guessing.count({here: PER_NETWORK, everywhere: PER_PERSON})


@command(anyone="the second step comes before permissions")
def use_code(visitor: Visitor, user_id: int, given: GivenCode) -> str:
    """Take a code of the app, or a recovery code: each counts once. Returns which it was, or nothing for a wrong one.

    A wrong one is written down, so this does not raise.
    """
    how = _use(visitor, user_id, normalised(given.code))
    if how:
        forget_tries(visitor.origin, user_id)
    else:
        happened(visitor.origin, user_id, "user.second_step_failed")
    return how


def forget_tries(origin: Origin, user_id: int) -> None:
    """Forget wrong codes: the right one was given, or the password that they were guessed with is no more."""
    guessing.forget(*_tries(origin, user_id))


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The time step whose code this is: of now, or of the step before or after, as clocks differ."""
    given, now = normalised(code), int(at.timestamp()) // STEP
    app = pyotp.TOTP(secret)
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(app.generate_otp(step), given):
            return step
    return None


def _use(visitor: Visitor, user_id: int, code: str) -> str:
    app = _confirmed(user_id)
    step = None if app is None else matching_step(app.opened(), code, clock.now())
    if step is not None:
        newer = update(TotpSecret).where(TotpSecret.user_id == user_id, TotpSecret.last_step < step)
        taken = db.session.scalar(newer.values(last_step=step).returning(TotpSecret.user_id))
        return "code" if taken is not None else ""
    return "recovery code" if use_recovery_code(visitor.origin, user_id, code) else ""


def _confirmed(user_id: int) -> TotpSecret | None:
    return db.session.scalar(
        select(TotpSecret).where(TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None))
    )


def _tries(origin: Origin, user_id: int) -> list[bytes]:
    """Under which names codes are counted: from this network, and from everywhere."""
    network = guessing.network_name(origin.ip_address)
    return [guessing.subject(f"second step:{user_id}:{where}") for where in (network, "everywhere")]
