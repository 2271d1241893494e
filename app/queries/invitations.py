"""Invitations that wait, and the one that a token opens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal_column, select, text

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance
from app.models.invitations import Invitation, hash_of
from app.models.users import User

_PRESENT = text("SELECT set_config('oversing.invitation', :hash, true)")
_WAITING = (
    select(
        Invitation.id,
        Invitation.email,
        Invitation.access_role_id,
        Invitation.expires_at,
        Invitation.created_at,
        AccessRole.name.label("role_name"),
        User.name.label("invited_by"),
    )
    .join(AccessRole, AccessRole.id == Invitation.access_role_id)
    .outerjoin(User, User.user_id == Invitation.invited_by_user_id)
    .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
    .order_by(Invitation.id.desc())
    .limit(literal_column("200"))
)


def waiting_invitations(actor: Actor) -> list[Any]:
    """The newest invitations that nobody has accepted or taken back; those that ran out can be sent again."""
    require(actor, "user.invite")
    return list(db.session.execute(_WAITING.where(Invitation.application_instance_id == actor.tenant_id)))


def find_invitation(token: str) -> Any:
    """The open invitation of a token, with its organisation and who sent it; None for a token that opens nothing."""
    presented = hash_of(token)
    db.session.execute(_PRESENT, {"hash": presented.hex()})
    return db.session.execute(
        select(
            Invitation.id,
            Invitation.application_instance_id,
            Invitation.email,
            ApplicationInstance.name.label("organisation"),
            ApplicationInstance.slug,
            User.name.label("invited_by"),
            select(User.user_id)
            .where(text("lower(users.email) = lower(invitations.email)"))
            .correlate(Invitation)
            .exists()
            .label("has_account"),
        )
        .join(ApplicationInstance, ApplicationInstance.id == Invitation.application_instance_id)
        .where(ApplicationInstance.closed_at.is_(None))
        .outerjoin(User, User.user_id == Invitation.invited_by_user_id)
        .where(Invitation.token_hash == presented, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .where(Invitation.expires_at > clock.now())
    ).first()
