"""An organisation and its settings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import require
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.user_groups import UserGroupMember
from app.models.users import User


def get_organisation(actor: Actor) -> ApplicationInstance:
    """The organisation that one works in, for those who may change it."""
    require(actor, "application_instance.update")
    return db.session.get_one(ApplicationInstance, actor.tenant_id, populate_existing=True)


def owners(actor: Actor) -> list[Any]:
    """Everybody who may give every role throughout, directly or by groups, with name and address. One query.

    For letters to them. Whoever calls this has asked for permission.
    """
    here = AccessGrant.application_instance_id == actor.tenant_id
    owning = (
        select(AccessGrant.user_id, AccessGrant.user_group_id)
        .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
        .where(here, AccessRole.manages_every_role, AccessGrant.program_id.is_(None), AccessGrant.task_id.is_(None))
        .cte("owning")
    )
    below = aliased(UserGroupMember)
    groups = select(owning.c.user_group_id.label("id")).where(owning.c.user_group_id.is_not(None))
    inside = groups.cte("inside", recursive=True)
    inside = inside.union(
        select(below.member_group_id)
        .join(inside, inside.c.id == below.user_group_id)
        .where(below.application_instance_id == actor.tenant_id, below.member_group_id.is_not(None))
    )
    by_group = select(UserGroupMember.user_id).where(
        UserGroupMember.application_instance_id == actor.tenant_id,
        UserGroupMember.user_group_id.in_(select(inside.c.id)),
    )
    query = (
        select(User.user_id, User.name, User.email, User.locale)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .where(ApplicationInstanceUser.deactivated_at.is_(None), User.deactivated_at.is_(None))
        .where(or_(User.user_id.in_(select(owning.c.user_id)), User.user_id.in_(by_group)))
        .order_by(User.user_id)
    )
    return list(db.session.execute(query))
