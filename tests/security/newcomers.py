"""People with an address of their own: whoever is locked out or deactivated here is missed by no other test."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update

from app.commands import tenants
from app.core import tenancy
from app.core.database import db
from app.core.ids import new_token
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.queries.identity import find_roles
from app.schemas.tenants import NewMember
from tests import cast
from tests.cast import PASSWORD, Organisation, Player


def newcomer(organisation: Organisation, role: str | None = "member") -> Player:
    """Somebody who belongs to this organisation only."""
    email = f"dora-{new_token()[:8].lower()}@acme.example"
    new = NewMember(email=email, name="Dora", password=PASSWORD, role=role)
    user = tenants.create_member(cast.system(organisation), new)
    with tenancy.entered(db.session, organisation.id):
        roles = find_roles(organisation.id, user.user_id)
    permissions = frozenset(permission for role in roles for permission in role.permissions)
    actor = replace(
        cast.system(organisation),
        permissions=permissions,
        user_id=user.user_id,
        name="Dora",
        email=email,
        authenticated_by="session",
    )
    db.session.rollback()
    return Player("dora", organisation, actor)


def give_role(player: Player, key: str) -> None:
    """Exchange the one role of a person for another."""
    with tenancy.entered(db.session, player.organisation.id):
        role_id = select(AccessRole.id).where(AccessRole.key == key).scalar_subquery()
        db.session.execute(
            update(AccessGrant).where(AccessGrant.user_id == player.user_id).values(access_role_id=role_id)
        )
        db.session.commit()
