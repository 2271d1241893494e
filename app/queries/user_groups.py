"""Groups, as lists and pages need them. They lie in no program: who may see any of them sees them all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, literal_column, null, select
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere
from app.models.access_grants import AccessGrant
from app.models.user_groups import UserGroup, UserGroupMember
from app.models.users import User


def _how_many(column: Any, *where: Any) -> Any:
    return select(func.count()).where(column == UserGroup.id, *where).scalar_subquery()


_GROUPS = select(
    UserGroup.id,
    UserGroup.name,
    UserGroup.description,
    UserGroup.version,
    UserGroup.created_at,
    UserGroup.updated_at,
    _how_many(UserGroupMember.user_group_id, UserGroupMember.user_id.is_not(None)).label("people"),
    _how_many(UserGroupMember.user_group_id, UserGroupMember.member_group_id.is_not(None)).label("groups"),
    _how_many(AccessGrant.user_group_id).label("roles"),
).where(UserGroup.application_instance_id == bindparam("tenant"))
_LISTED = Listing(_GROUPS, UserGroup.id)
_CHOICES = (
    select(UserGroup.id, UserGroup.name)
    .where(UserGroup.application_instance_id == bindparam("tenant"))
    .order_by(func.lower(UserGroup.name))
    .limit(literal_column("500"))
)
_INNER, _OUTER = aliased(UserGroup), aliased(UserGroup)
_MEMBERS = (
    select(
        UserGroupMember.id,
        UserGroupMember.user_group_id,
        UserGroupMember.user_id,
        User.name.label("user_name"),
        User.avatar_id.label("user_avatar_id"),
        UserGroupMember.member_group_id,
        _INNER.name.label("group_name"),
        UserGroupMember.created_at,
    )
    .outerjoin(User, User.user_id == UserGroupMember.user_id)
    .outerjoin(_INNER, _INNER.id == UserGroupMember.member_group_id)
    .where(UserGroupMember.application_instance_id == bindparam("tenant"))
    .where(UserGroupMember.user_group_id == bindparam("group"))
)
_MEMBERS_LISTED = Listing(_MEMBERS, UserGroupMember.id)
_AROUND = (
    select(_OUTER.id, _OUTER.name)
    .join(UserGroupMember, UserGroupMember.user_group_id == _OUTER.id)
    .where(UserGroupMember.application_instance_id == bindparam("tenant"))
    .where(UserGroupMember.member_group_id == bindparam("group"))
    .order_by(func.lower(_OUTER.name))
)


def _taken() -> Any:
    """Who is in a group, and the groups that it lies in, however far up: none of them can be put into it."""
    member, outer = aliased(UserGroupMember), aliased(UserGroupMember)
    here = member.application_instance_id == bindparam("tenant")
    around = select(member.user_group_id).where(here, member.member_group_id == bindparam("group")).cte(recursive=True)
    around = around.union(
        select(outer.user_group_id)
        .where(outer.application_instance_id == bindparam("tenant"))
        .where(outer.member_group_id == around.c.user_group_id)
    )
    inside = select(member.user_id, member.member_group_id).where(here, member.user_group_id == bindparam("group"))
    return inside.union_all(select(null(), around.c.user_group_id))


_TAKEN = _taken()


def list_user_groups(actor: Actor, paging: Paging) -> Page[Any]:
    """Groups with the numbers of people and groups in them, and of their roles. One query."""
    require_somewhere(actor, "user_group.view")
    return _LISTED.page(db.session, paging, values={"tenant": actor.tenant_id})


def get_user_group(actor: Actor, group_id: UUID) -> UserGroup:
    """One group. Raises NotFound."""
    require_somewhere(actor, "user_group.view")
    group = db.session.scalar(select(UserGroup).filter_by(application_instance_id=actor.tenant_id, id=group_id))
    if group is None:
        raise NotFound
    return group


def list_user_group_members(actor: Actor, group_id: UUID, paging: Paging) -> Page[Any]:
    """Who is in a group, newest first: people and other groups. Raises NotFound where there is no such group."""
    get_user_group(actor, group_id)
    return _MEMBERS_LISTED.page(db.session, paging, values={"tenant": actor.tenant_id, "group": group_id})


def groups_around(actor: Actor, group_id: UUID) -> list[Any]:
    """Id and name of the groups that a group lies in."""
    require_somewhere(actor, "user_group.view")
    return list(rows_of(db.session, _AROUND, {"tenant": actor.tenant_id, "group": group_id}))


def taken_in_group(actor: Actor, group_id: UUID) -> set[Any]:
    """The ids of those whom a menu need not offer to put into a group: who is in it, itself, and what it lies in."""
    require_somewhere(actor, "user_group.view")
    rows = rows_of(db.session, _TAKEN, {"tenant": actor.tenant_id, "group": group_id})
    return {each for row in rows for each in row if each is not None} | {group_id}


def user_group_choices(actor: Actor) -> list[Any]:
    """Id and name of every group, for a form's menu; none for who may not see them."""
    if not actor.may_somewhere("user_group.view"):
        return []
    return list(rows_of(db.session, _CHOICES, {"tenant": actor.tenant_id}))
