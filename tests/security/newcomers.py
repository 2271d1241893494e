"""People with a name of their own: several of them may work in one organisation."""

from __future__ import annotations

from sqlalchemy import select, update

from app.core import tenancy
from app.core.database import db
from app.core.ids import new_token
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from tests import cast
from tests.cast import Organisation, Player


def newcomer(organisation: Organisation, role: str | None = "member") -> Player:
    """One more Dora, with a role or none yet."""
    name = f"dora-{new_token()[:8].lower()}"
    cast.let_in(organisation, name, role, "Dora")
    return cast.play(organisation, name)


def give_role(player: Player, key: str) -> None:
    """Exchange the one role of a person for another."""
    with tenancy.entered(db.session, player.organisation.id):
        role_id = select(AccessRole.id).where(AccessRole.key == key).scalar_subquery()
        db.session.execute(
            update(AccessGrant).where(AccessGrant.user_id == player.user_id).values(access_role_id=role_id)
        )
        db.session.commit()
