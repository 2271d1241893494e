"""Sign up: ask for an organisation, confirm one's address, and own it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from app.commands.tenants import create_tenant
from app.core import clock, common_passwords, guessing, passwords
from app.core.actor import Visitor
from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.ids import new_token
from app.core.mails import send_mail
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.application_instances import ApplicationInstance
from app.models.invitations import hash_of
from app.models.sign_ups import SignUp
from app.models.users import User
from app.queries.sign_ups import find_sign_up
from app.schemas.sign_ups import NewSignUp, suggested_slug
from app.schemas.tenants import NewTenant

LASTS = timedelta(days=1)
PER_NETWORK = 10  # a minute, and longer for whoever goes on: each is a mail to an address that nobody has confirmed
PER_ADDRESS = 3
GONE = phrase("This link cannot be used any more. Sign up again.")


@command(anyone="signing up comes before there is anybody")
def count_sign_up(visitor: Visitor, new: NewSignUp) -> None:
    """Count a sign-up before it is looked at, by network and by address. Raises RateLimited."""
    network = guessing.network_name(visitor.origin.ip_address)
    guessing.count(
        {
            guessing.subject(f"sign-up:network:{network}"): PER_NETWORK,
            guessing.subject(f"sign-up:address:{new.owner_email.lower()}"): PER_ADDRESS,
        }
    )


@command(
    anyone="signing up comes before there is anybody", unrecorded="nothing is made before the address is confirmed"
)
def sign_up(visitor: Visitor, new: NewSignUp) -> None:
    """Keep what somebody wants, and ask whoever reads the mail to their address.

    The answer is the same, and takes as long, whether the address has an account. Raises Invalid where the short name
    is taken or the password easily guessed.
    """
    about = [new.name, new.owner_name, new.owner_email]
    common_passwords.refuse_easily_guessed("owner_password", new.owner_password, about)
    slug = new.slug or suggested_slug(new.name)
    if not slug:
        raise Invalid({"slug": phrase("Choose a short name: a-z, 0-9 and hyphens.")})
    if db.session.scalar(select(ApplicationInstance.id).where(ApplicationInstance.slug == slug)) is not None:
        raise Invalid({"slug": phrase("Another organisation has this short name.")})
    known = db.session.scalar(select(User.user_id).where(func.lower(User.email) == func.lower(new.owner_email)))
    token = new_token()
    wanted = SignUp(
        token_hash=hash_of(token),
        slug=slug,
        name=new.name,
        owner_name=new.owner_name,
        owner_email=new.owner_email,
        password_hash=passwords.hash_password(new.owner_password),
        expires_at=clock.now() + LASTS,
    )
    db.session.add(wanted)
    send_mail(
        visitor,
        to=new.owner_email,
        template="confirm_address" if known is None else "already_here",
        locale=visitor.origin.locale,
        name=new.owner_name,
        organisation=new.name,
        path=f"/sign-up/{token}",
    )


@command(anyone="the token in the mail is the permission")
def confirm_sign_up(visitor: Visitor, token: str) -> ApplicationInstance:
    """Make the organisation that was asked for. An account that the address has already owns it, as it is.

    Raises NotFound for a token that opens nothing (any more), Invalid where the short name was taken meanwhile.
    """
    wanted = find_sign_up(token, lock=True)
    if wanted is None:
        raise NotFound(GONE)
    if db.session.scalar(select(User).where(func.lower(User.email) == func.lower(wanted.owner_email))) is None:
        db.session.add(User(email=wanted.owner_email, name=wanted.owner_name, password_hash=wanted.password_hash))
        db.session.flush()
    new = NewTenant(
        slug=wanted.slug,
        name=wanted.name,
        owner_email=wanted.owner_email,
        owner_name=wanted.owner_name,
        owner_password=new_token(),  # nobody's: the account is there by now, and keeps its own
    )
    db.session.delete(wanted)
    return create_tenant(visitor, new)
