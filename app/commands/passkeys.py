"""Passkeys: register, rename and remove one's own, and find out whose an answer is."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from app.commands.identity_events import happened
from app.commands.recovery_codes import forget_needless_codes, new_recovery_codes, one_at_a_time
from app.commands.second_steps import forget_tries
from app.core import authenticators, clock, guessing
from app.core.actor import Origin, SignedIn, Visitor
from app.core.authenticators import AnswerRefused, Asked, Shown
from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.mails import send_mail
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.passkeys import Passkey
from app.models.user_sessions import UserSession
from app.models.users import User
from app.queries.accounts import own_passkey, ways_of
from app.queries.identity import locale_of
from app.schemas.accounts import NewPasskey, PasskeyAnswer, PasskeyName

OWN = "everybody looks after their own account"
MOST = 20  # of one person
PER_NETWORK = 60  # answers a window of who has not said who they are: those of an office may come at once
NOT_MADE = phrase("Your device has not made a passkey that can be used here. Try again, or with another device.")
WRONG = phrase("This passkey was not accepted. Sign in another way, or try again.")


@command(anyone=OWN)
def register_passkey(actor: SignedIn, new: NewPasskey, asked: Asked) -> list[str]:
    """Let somebody in by the passkey that their device has just made.

    Returns the recovery codes, which can be shown this once, where it is the first second way of signing in.

    Raises Invalid where the answer is none, or the passkey is registered already; Conflict for more than anybody needs.
    """
    one_at_a_time(actor)
    ways = ways_of(actor.user_id)
    if len(ways.passkeys) >= MOST:
        raise Conflict(phrase("You have %(most)s passkeys already. Remove one that you do not use.", most=MOST))
    try:
        key = authenticators.read_new_key(asked, new.answer)
    except AnswerRefused:
        raise Invalid({"_": NOT_MADE}) from None
    passkey = Passkey(
        user_id=actor.user_id,
        user_handle=asked.user_handle,
        credential_id=key.credential_id,
        public_key=key.public_key,
        sign_count=key.sign_count,
        name=new.name,
    )
    db.session.add(passkey)
    db.session.flush()
    happened(actor.origin, actor.user_id, "user.passkey_added", name=passkey.name)
    _tell(actor.origin, passkey, "passkey_added")
    return [] if ways.has_second_step else new_recovery_codes(actor.user_id)


@command(anyone=OWN)
def rename_passkey(actor: SignedIn, passkey_id: UUID, change: PasskeyName) -> None:
    """Call one of one's passkeys something else. Raises NotFound."""
    passkey = own_passkey(actor, passkey_id)
    if passkey.name == change.name:
        return
    passkey.name = change.name
    happened(actor.origin, actor.user_id, "user.passkey_renamed", name=change.name)


@command(anyone=OWN)
def remove_passkey(actor: SignedIn, passkey_id: UUID) -> None:
    """Let nobody in by a passkey any more; where it was the last second way, recovery codes go too. Raises NotFound."""
    one_at_a_time(actor)
    passkey = own_passkey(actor, passkey_id)
    db.session.delete(passkey)
    db.session.flush()
    forget_needless_codes(actor.user_id)
    happened(actor.origin, actor.user_id, "user.passkey_removed", name=passkey.name)
    _tell(actor.origin, passkey, "passkey_removed")


@command(anyone="a browser keeps its own session", unrecorded="a question was answered; what follows records itself")
def use_up_question(_visitor: Visitor, session_id: UUID, name: str, challenge: str) -> None:
    """Strike a question out of a session, so that of two answers at the same moment one counts. Raises NotFound."""
    asked = UserSession.data[name]["challenge"].as_string() == challenge
    struck = update(UserSession).where(UserSession.id == session_id, asked).values(data=UserSession.data.op("-")(name))
    if db.session.scalar(struck.returning(UserSession.id)) is None:
        raise NotFound


@command(anyone="signing in comes before permissions")
def count_passkey(visitor: Visitor) -> None:
    """Count an answer of who has not said who they are, before it is looked at. Raises RateLimited."""
    here = _tries(visitor.origin)
    guessing.count({here: PER_NETWORK}, steady={here})


@command(
    anyone="signing in comes before permissions", unrecorded="what it lets one do records itself; so does a suspicion"
)
def use_passkey(visitor: Visitor, given: PasskeyAnswer, asked: Asked, user_id: int | None = None) -> int | None:
    """Whose passkey has answered `asked`; None where it is nobody's, or not that of `user_id`, whom we know already.

    A wrong answer of who is known, and a passkey that may have been copied, are written down, so this does not raise.
    """
    passkey = _answering(visitor.origin, given, asked, user_id)
    if passkey is None:
        if user_id is not None:
            happened(visitor.origin, user_id, "user.second_step_failed")
        return None
    if user_id is not None:
        forget_tries(visitor.origin, user_id)
    else:
        guessing.give_back(_tries(visitor.origin))
    return passkey.user_id


def _answering(origin: Origin, given: PasskeyAnswer, asked: Asked, user_id: int | None) -> Passkey | None:
    """The passkey that has answered, if it may, its use noted."""
    try:
        shown = authenticators.read_shown(given.answer)
        passkey = _claimed(shown, user_id)
        if passkey is None:
            return None
        count = authenticators.count_of(shown, asked, passkey.public_key)
    except AnswerRefused:
        return None
    was_suspected = passkey.is_suspected
    if passkey.answered(sign_count=count, at=clock.now()):
        return passkey
    if not was_suspected:
        happened(origin, passkey.user_id, "user.passkey_suspected", name=passkey.name)
        _tell(origin, passkey, "passkey_suspected")
    return None


def _claimed(shown: Shown, user_id: int | None) -> Passkey | None:
    """The passkey that an answer says to be of, locked: its counter is compared and kept by one request at a time.

    Whoever has not said who they are is named by the authenticator, and has to be who the passkey was made for.
    """
    found = select(Passkey).join(User, User.user_id == Passkey.user_id).where(User.deactivated_at.is_(None))
    passkey = db.session.scalar(found.where(Passkey.credential_id == shown.credential_id).with_for_update(of=Passkey))
    if passkey is None or passkey.user_id != (user_id or passkey.user_id):
        return None
    named = shown.user_handle or (passkey.user_handle if user_id is not None else b"")
    return passkey if named == passkey.user_handle else None


def _tell(origin: Origin, passkey: Passkey, template: str) -> None:
    """Write to the person what has become of a passkey: who was robbed of a session learns of it."""
    user = db.session.get_one(User, passkey.user_id)
    told = {"name": user.name, "passkey": passkey.name, "path": "/account"}
    send_mail(Visitor(origin), to=user.email, template=template, locale=locale_of(user), **told)


def _tries(origin: Origin) -> bytes:
    return guessing.subject(f"passkey:{guessing.network_name(origin.ip_address)}")
