"""Make, change and delete groups, and put people and groups into them.

Who is in a group has its roles, and those of the groups that it lies in. To put somebody in, to take somebody out and
to delete a group is therefore to give and to take roles, and needs what that needs.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from app.commands.access_grants import refuse_unless_all_managed, refuse_without_owner, require_person
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.audit_state import state
from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.permissions import expect_version, fetch, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.access_grants import AccessGrant
from app.models.user_groups import UserGroup, UserGroupMember
from app.queries.access import grants_of_group
from app.schemas.user_groups import NewUserGroup, NewUserGroupMember, UserGroupChanges

Held = TypeVar("Held", AccessGrant, UserGroupMember)


@command
def create_user_group(actor: Actor, new: NewUserGroup) -> UserGroup:
    """Make a group. Raises Invalid where another has its name."""
    require(actor, "user_group.update")
    group = UserGroup(application_instance_id=actor.tenant_id, **new.model_dump())
    db.session.add(group)
    db.session.flush()
    record(actor, "user_group.created", group)
    announce(group, "created")
    return group


@command
def update_user_group(actor: Actor, group_id: UUID, changes: UserGroupChanges) -> UserGroup:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster."""
    group = fetch(actor, UserGroup, group_id, "user_group.update")
    expect_version(group, changes.version)
    for name, value in changes.model_dump(exclude_unset=True, exclude={"version"}).items():
        setattr(group, name, value)
    if db.session.is_modified(group):
        db.session.flush()
        record(actor, "user_group.updated", group)
        announce(group)
    return group


@command
def delete_user_group(actor: Actor, group_id: UUID, *, version: int | None = None) -> None:
    """Delete a group for good, and with it the roles that were given to it.

    Raises Forbidden where its people would lose a role that the actor may not take from them, Conflict where nobody
    else owns the organisation.
    """
    group = fetch(actor, UserGroup, group_id, "user_group.update", lock=True)
    expect_version(group, version)
    refuse_unless_all_managed(actor, grants_of_group(actor, group_id))
    _empty(actor, group)
    db.session.delete(group)
    db.session.flush()
    refuse_without_owner(actor)
    record(actor, "user_group.deleted", group, facts={"name": group.name})
    announce(group, "deleted")


@command
def add_user_group_member(actor: Actor, group_id: UUID, new: NewUserGroupMember) -> UserGroupMember:
    """Put a person or a group into a group. Putting them in twice is putting them in once.

    Raises Invalid for somebody who is not there, or a group that this one lies in; Forbidden where the group brings a
    role that the actor may not give.
    """
    if new.member_group_id is not None:
        _one_at_a_time(actor)
    group = fetch(actor, UserGroup, group_id, "user_group.update", lock=True)
    _require_member(actor, new)
    given = {"application_instance_id": actor.tenant_id, "user_group_id": group.id, **new.model_dump()}
    existing = db.session.scalar(select(UserGroupMember).filter_by(**given))
    if existing is not None:
        return existing
    refuse_unless_all_managed(actor, grants_of_group(actor, group_id))
    member = UserGroupMember(**given)
    db.session.add(member)
    db.session.flush()
    record(actor, "user_group_member.created", member)
    announce(group)
    return member


@command
def remove_user_group_member(actor: Actor, group_id: UUID, member_id: UUID) -> UserGroupMember:
    """Take a person or a group out of a group.

    Raises NotFound for one who is not in it, Forbidden as putting in does, Conflict for the last owner.
    """
    group = fetch(actor, UserGroup, group_id, "user_group.update", lock=True)
    theirs = select(UserGroupMember).filter_by(application_instance_id=actor.tenant_id, user_group_id=group.id)
    member = db.session.scalar(theirs.filter_by(id=member_id).with_for_update())
    if member is None:
        raise NotFound
    refuse_unless_all_managed(actor, grants_of_group(actor, group_id))
    db.session.delete(member)
    db.session.flush()
    refuse_without_owner(actor)
    record(actor, "user_group_member.deleted", member, facts=state(member))
    announce(group)
    return member


def _one_at_a_time(actor: Actor) -> None:
    """Two groups that are put into each other wait for each other, before either holds a row that the other needs."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"groups:{actor.tenant_id}", 0))))


def _empty(actor: Actor, group: UserGroup) -> None:
    """Take away, each with an event of its own, what would go with the group.

    What somebody else takes away at the same moment is theirs. All do so in one order: nobody waits for each other.
    """
    lies_in = UserGroupMember.member_group_id == group.id
    grants = _held(actor, AccessGrant, AccessGrant.user_group_id == group.id)
    members = _held(actor, UserGroupMember, (UserGroupMember.user_group_id == group.id) | lies_in)
    for row in (*grants, *members):
        db.session.delete(row)
    db.session.flush()
    for grant in grants:
        record(actor, "access_grant.deleted", grant, facts=state(grant))
    for member in members:
        record(actor, "user_group_member.deleted", member, facts=state(member))


def _held(actor: Actor, model: type[Held], those: ColumnElement[bool]) -> list[Held]:
    """Rows that nobody else takes away any more, of those that nobody has."""
    here = select(model).where(model.application_instance_id == actor.tenant_id, those)
    return list(db.session.scalars(here.order_by(model.id).with_for_update()))


def _require_member(actor: Actor, new: NewUserGroupMember) -> None:
    """Only people and groups of the organisation come into a group."""
    if new.user_id is not None:
        require_person(actor, new.user_id)
        return
    group = select(UserGroup.id).filter_by(application_instance_id=actor.tenant_id, id=new.member_group_id)
    if db.session.scalar(group) is None:
        raise Invalid({"member_group_id": phrase("There is no such group.")})
