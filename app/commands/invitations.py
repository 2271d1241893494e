"""Invite people: send a way in, send it again, take it back, and let in whoever comes by it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.commands.access_grants import refuse_unless_managed
from app.commands.tenants import system_actor
from app.core import clock, common_passwords, passwords, tenancy
from app.core.actor import Actor, Visitor
from app.core.announcing import announce, announce_member
from app.core.audit import record
from app.core.database import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_token
from app.core.mails import send_mail
from app.core.permissions import fetch, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.invitations import Invitation, hash_of
from app.models.users import User
from app.queries.invitations import find_invitation
from app.schemas.invitations import NewAccount, NewInvitation

LASTS = timedelta(days=7)


@command
def invite_person(actor: Actor, new: NewInvitation) -> Invitation:
    """Send somebody a way in. Inviting an address again sends a new one, and the old one opens nothing any more.

    The answer is the same whether the address has an account. Raises Invalid for somebody who is here already or a role
    that is not there, Forbidden for a role that the actor may not give.
    """
    require(actor, "user.invite")
    role = _role_to_give(actor, new.access_role_id)
    waiting = db.session.scalar(
        select(Invitation)
        .where(
            Invitation.application_instance_id == actor.tenant_id,
            func.lower(Invitation.email) == func.lower(new.email),
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .with_for_update()
    )
    _refuse_members(actor, new.email)  # asked with the invitation in hand: nobody comes by it any more
    if waiting is not None:
        waiting.withdrawn_at = clock.now()
        db.session.flush()
        record(actor, "invitation.withdrawn", waiting)
    token = new_token()
    invitation = Invitation(
        email=new.email,
        access_role_id=role.id,
        invited_by_user_id=actor.user_id,
        token_hash=hash_of(token),
        expires_at=clock.now() + LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    record(actor, "invitation.created", invitation)
    announce(invitation, "created")
    _send(actor, invitation, token)
    return invitation


@command
def resend_invitation(actor: Actor, invitation_id: UUID) -> Invitation:
    """Send it again under a new token, good for seven days from now. Raises Conflict for one that is over."""
    invitation = fetch(actor, Invitation, invitation_id, "user.invite", lock=True)
    _refuse_unless_waiting(actor, invitation)
    token = new_token()
    invitation.token_hash, invitation.expires_at = hash_of(token), clock.now() + LASTS
    invitation.invited_by_user_id = actor.user_id  # who has sent it last answers for it
    db.session.flush()
    record(actor, "invitation.sent_again", invitation)
    _send(actor, invitation, token)
    return invitation


@command
def withdraw_invitation(actor: Actor, invitation_id: UUID) -> Invitation:
    """Take an invitation back: its link opens nothing from now on. Raises Conflict for one that is over."""
    invitation = fetch(actor, Invitation, invitation_id, "user.invite", lock=True)
    _refuse_unless_waiting(actor, invitation)
    invitation.withdrawn_at = clock.now()
    db.session.flush()
    record(actor, "invitation.withdrawn", invitation)
    announce(invitation)
    return invitation


@command(anyone="the token in the mail is the permission")
def accept_invitation(visitor: Visitor, token: str, *, person_id: int | None, account: NewAccount | None) -> User:
    """Let in whoever comes by an invitation: the person who is signed in, or a new account.

    Raises NotFound for a token that opens nothing (any more), Forbidden for somebody whose address was not invited, and
    Conflict where the address has an account (its owner signs in first), Invalid for a password that is easily guessed.
    """
    found = find_invitation(token)
    if found is None:
        raise NotFound(phrase("This invitation cannot be used any more. Ask for a new one."))
    with tenancy.entered(db.session, found.application_instance_id):
        invitation = db.session.scalars(select(Invitation).where(Invitation.id == found.id).with_for_update()).one()
        if invitation.token_hash != hash_of(token) or not invitation.is_open(clock.now()):
            raise NotFound(phrase("This invitation cannot be used any more. Ask for a new one."))
        tenant = db.session.get_one(ApplicationInstance, found.application_instance_id)
        _hold_sender(invitation)
        system = system_actor(tenant)
        user = _who_comes(invitation, tenant, person_id, account)
        assert invitation.access_role_id is not None  # a role with which an invitation waits is not deleted
        invitation.accepted_at = clock.now()
        _join(system, user, invitation.access_role_id)
        record(
            system,
            "invitation.accepted",
            invitation,
            facts={"user_id": user.user_id, "request_id": visitor.origin.request_id},
        )
        announce(invitation)
    return user


def _hold_sender(invitation: Invitation) -> None:
    """Have whoever lets the sender go wait until somebody has come in. Raises NotFound where they were faster.

    An invitation lasts no longer than the membership of who answers for it.
    """
    if invitation.invited_by_user_id is None:
        return
    belongs = db.session.get(
        ApplicationInstanceUser,
        (invitation.application_instance_id, invitation.invited_by_user_id),
        with_for_update={"read": True},
        populate_existing=True,
    )
    if belongs is None or belongs.deactivated_at is not None:
        raise NotFound(phrase("This invitation cannot be used any more. Ask for a new one."))


def _who_comes(
    invitation: Invitation, tenant: ApplicationInstance, person_id: int | None, account: NewAccount | None
) -> User:
    known = db.session.scalar(select(User).where(func.lower(User.email) == func.lower(invitation.email)))
    if person_id is not None:
        if known is None or known.user_id != person_id:
            raise Forbidden(phrase("This invitation is for somebody else. Sign out, and open it again."))
        return known
    if known is not None:
        raise Conflict(phrase("This address has an account. Sign in to it, and accept then."))
    if account is None:
        raise Invalid({"name": phrase("This is required."), "password": phrase("This is required.")})
    about = [account.name, invitation.email, tenant.name]
    common_passwords.refuse_easily_guessed("password", account.password, about)
    user = User(email=invitation.email, name=account.name, password_hash=passwords.hash_password(account.password))
    db.session.add(user)
    db.session.flush()
    return user


def _join(system: Actor, user: User, role_id: UUID) -> None:
    belongs = db.session.get(ApplicationInstanceUser, (system.tenant_id, user.user_id))
    if belongs is None:
        db.session.add(ApplicationInstanceUser(application_instance_id=system.tenant_id, user_id=user.user_id))
    elif belongs.deactivated_at is not None:
        raise Forbidden(phrase("Your membership was ended after you had been invited. Ask to be let back in."))
    db.session.flush()
    record(system, "user.joined", user)
    announce_member(system.tenant_id, user)
    grant = AccessGrant(application_instance_id=system.tenant_id, access_role_id=role_id, user_id=user.user_id)
    if (
        db.session.scalar(
            select(AccessGrant.id).filter_by(
                application_instance_id=system.tenant_id,
                access_role_id=role_id,
                user_id=user.user_id,
                program_id=None,
                task_id=None,
            )
        )
        is None
    ):
        db.session.add(grant)
        db.session.flush()
        record(system, "access_grant.created", grant)


def _refuse_unless_waiting(actor: Actor, invitation: Invitation) -> None:
    """One changes an invitation that is not over, of a role that one could give oneself."""
    if invitation.access_role_id is not None:
        _role_to_give(actor, invitation.access_role_id)
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Conflict(phrase("This invitation is over. Invite the person again."))


def _role_to_give(actor: Actor, role_id: UUID) -> AccessRole:
    role = db.session.scalar(select(AccessRole).filter_by(application_instance_id=actor.tenant_id, id=role_id))
    if role is None:
        raise Invalid({"access_role_id": phrase("There is no such role.")})
    refuse_unless_managed(actor, {role.id: role.name})
    return role


def _refuse_members(actor: Actor, email: str) -> None:
    row = db.session.execute(
        select(ApplicationInstanceUser.deactivated_at)
        .join(User, User.user_id == ApplicationInstanceUser.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .where(func.lower(User.email) == func.lower(email))
    ).first()
    if row is not None:
        here = (
            phrase("This person works here already.")
            if row.deactivated_at is None
            else phrase("Let this person back in instead.")
        )
        raise Invalid({"email": here})


def _send(actor: Actor, invitation: Invitation, token: str) -> None:
    send_mail(
        actor,
        to=invitation.email,
        template="invitation",
        locale=actor.tenant.locale,
        who=actor.name,
        organisation=actor.tenant.name,
        path=f"/invitations/{token}",
    )
