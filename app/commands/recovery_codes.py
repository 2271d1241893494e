"""Recovery codes, for the day on which app or passkey is lost: made with the first second way, gone with the last."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, func, select, update

from app.commands.identity_events import happened
from app.core import clock
from app.core.actor import Origin, SignedIn
from app.core.database import db
from app.core.transaction import command
from app.models.second_steps import RecoveryCode
from app.models.users import User
from app.queries.accounts import ways_of

HOW_MANY_CODES = 10


@command(anyone="everybody looks after their own account")
def make_recovery_codes(actor: SignedIn) -> list[str]:
    """Make new recovery codes; those of before are void. Returns them: they can be shown this once."""
    one_at_a_time(actor)
    happened(actor.origin, actor.user_id, "user.recovery_codes_made")
    return new_recovery_codes(actor.user_id)


def one_at_a_time(actor: SignedIn) -> None:
    """Two changes of the ways in which somebody signs in wait for each other, before either looks at what there is.

    The row of the person is held, but not from rows that only name them: who uses a passkey writes such.
    """
    person = select(User.user_id).where(User.user_id == actor.user_id)
    db.session.scalars(person.with_for_update(key_share=True)).one()


def new_recovery_codes(user_id: int) -> list[str]:
    """Put new codes in the place of all that somebody had."""
    codes = [_new_code() for _ in range(HOW_MANY_CODES)]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(normalised(code))) for code in codes)
    db.session.flush()
    return codes


def forget_needless_codes(user_id: int) -> None:
    """Take the codes of somebody away whose password is enough again."""
    if not ways_of(user_id).has_second_step:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def use_recovery_code(origin: Origin, user_id: int, code: str) -> bool:
    """Use one code up, and write down how many are left. Returns whether it was one."""
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(code), RecoveryCode.used_at.is_(None)
    )
    if db.session.scalar(unused.values(used_at=clock.now()).returning(RecoveryCode.user_id)) is None:
        return False
    left = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    happened(origin, user_id, "user.recovery_code_used", left=db.session.scalar(left))
    return True


def normalised(code: str) -> str:
    """A code without what people put into it to read it better: once, before it is checked and before it is kept."""
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())


def _new_code() -> str:
    """120 random bits (OWASP ASVS 6.5.2 asks for 112), in six groups that can be copied by hand."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(6))


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
