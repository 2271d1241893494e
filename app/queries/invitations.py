"""Invitations that wait, and the one that a token opens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal_column, select, text

from app.core import clock, tenancy
from app.core.actor import Actor, Tenant
from app.core.database import db
from app.core.permissions import require
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.invitations import Invitation, hash_of
from app.models.users import User
from app.queries.access import grants_reaching

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
    """The open invitation of a token, with its organisation and who sent it; None for a token that opens nothing.

    An invitation is worth what its sender may do: it opens nothing once they were let go, or may not give its role.
    """
    presented = hash_of(token)
    db.session.execute(_PRESENT, {"hash": presented.hex()})
    found = db.session.execute(
        select(
            Invitation.id,
            Invitation.application_instance_id,
            Invitation.access_role_id,
            Invitation.invited_by_user_id,
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
    return found if found is not None and _is_vouched_for(found) else None


def _is_vouched_for(found: Any) -> bool:
    """Whether who sent an invitation works here still, and may still invite and give its role. The system may."""
    if found.invited_by_user_id is None:
        return True
    tenant = Tenant(found.application_instance_id, found.slug, found.organisation)
    system = Actor(tenant=tenant, permissions=frozenset(), name="", authenticated_by="system")
    works_here = (
        select(ApplicationInstanceUser.user_id)
        .join(User, User.user_id == ApplicationInstanceUser.user_id)
        .where(ApplicationInstanceUser.application_instance_id == tenant.id)
        .where(User.user_id == found.invited_by_user_id)
        .where(ApplicationInstanceUser.deactivated_at.is_(None), User.deactivated_at.is_(None))
    )
    with tenancy.entered(db.session, tenant.id):
        if db.session.scalar(works_here) is None:
            return False
        held = grants_reaching(system, found.invited_by_user_id)
    gives = (grant.manages_every_role or found.access_role_id in grant.managed_role_ids for grant in held)
    return any("user.invite" in grant.permissions for grant in held) and any(gives)
