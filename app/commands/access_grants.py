"""Give roles and take them away. Nobody gives, or takes, a role that theirs does not manage."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.audit_state import state
from app.core.database import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import fetch, require
from app.core.phrases import phrase
from app.core.roles import role_in_words
from app.core.transaction import command
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstanceUser
from app.models.programs import Program
from app.models.tasks import Task
from app.models.user_groups import UserGroup
from app.queries.access import HeldGrant, roles_given_by
from app.queries.organisations import owners
from app.schemas.access_grants import NewAccessGrant


@command
def create_access_grant(actor: Actor, new: NewAccessGrant) -> AccessGrant:
    """Give a role to a person or a group. Giving it twice is giving it once.

    Raises Invalid for a role, person, group or place that is not there, Forbidden for a role that the actor's own do
    not manage in that place.
    """
    require(actor, "access_grant.create", *_places(actor, new))
    role = _role(actor, new.access_role_id)
    refuse_unless_managed(actor, {role.id: role.name}, program_id=new.program_id, task_id=new.task_id)
    _require_holder(actor, new)
    existing = db.session.scalar(select(AccessGrant).filter_by(application_instance_id=actor.tenant_id, **dict(new)))
    if existing is not None:
        return existing
    grant = AccessGrant(application_instance_id=actor.tenant_id, granted_by_user_id=actor.user_id, **dict(new))
    db.session.add(grant)
    db.session.flush()
    record(actor, "access_grant.created", grant)
    announce(grant, "created")
    return grant


@command
def delete_access_grant(actor: Actor, grant_id: UUID) -> bool:
    """Take a role away. Returns whether it was one that the actor held, directly or by a group.

    Raises Forbidden as giving it does, and Conflict where nobody would own the organisation.
    """
    grant = fetch(actor, AccessGrant, grant_id, "access_grant.create", lock=True)
    role = _role(actor, grant.access_role_id)
    refuse_unless_managed(actor, {role.id: role.name}, program_id=grant.program_id, task_id=grant.task_id)
    db.session.delete(grant)
    db.session.flush()
    refuse_without_owner(actor)
    record(actor, "access_grant.deleted", grant, facts=state(grant))
    announce(grant, "deleted")
    return grant.user_group_id in actor.group_ids if grant.user_group_id else grant.user_id == actor.user_id


def refuse_unless_managed(
    actor: Actor, roles: Mapping[UUID, str], *, program_id: UUID | None = None, task_id: UUID | None = None
) -> None:
    """Raise Forbidden where one of the roles, named by their ids, is not the actor's to give or take in a place."""
    managed = roles_given_by(actor, program_id=program_id, task_id=task_id)
    for role_id, name in roles.items():
        if managed is not None and role_id not in managed:
            raise Forbidden(phrase("Your roles do not let you give or take the role “%(name)s” here.", name=name))


def refuse_unless_all_managed(actor: Actor, grants: list[HeldGrant]) -> None:
    """Raise Forbidden where one of the grants, which somebody would gain or lose, is not the actor's to give."""
    throughout = roles_given_by(actor)
    settled: dict[tuple[UUID | None, ...], set[UUID] | None] = {}
    for grant in grants:
        places = (grant.program_id, grant.task_id, grant.program_of_task_id)
        require(actor, "access_grant.create", *places)
        if throughout is None or grant.access_role_id in throughout:
            continue
        if places not in settled:
            settled[places] = roles_given_by(actor, program_id=grant.program_id, task_id=grant.task_id)
        managed = settled[places]
        if managed is not None and grant.access_role_id not in managed:
            where = grant.program_name or grant.task_number
            raise Forbidden(
                phrase(
                    "The group brings the role “%(role)s” in %(place)s, which yours does not let you give or take.",
                    role=role_in_words(grant.role_name),
                    place=where,
                )
                if where
                else phrase(
                    "The group brings the role “%(role)s”, which yours does not let you give or take.",
                    role=role_in_words(grant.role_name),
                )
            )


def refuse_without_owner(actor: Actor) -> None:
    """Raise Conflict where nobody is left who may give every role, directly or by a group: no one could mend that.

    To be asked once the change is in the database, whatever it takes away. Two who leave at once wait for each other.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"owners:{actor.tenant_id}", 0))))
    if not owners(actor):
        raise Conflict(phrase("Somebody has to own the organisation. Make somebody else an owner first."))


def _places(actor: Actor, new: NewAccessGrant) -> tuple[UUID | None, ...]:
    """Where the role would hold. Raises Invalid for what the actor cannot see there."""
    try:
        if new.task_id is not None:
            task = fetch(actor, Task, new.task_id, "task.view")
            return (task.id, task.program_id)
        if new.program_id is not None:
            return (fetch(actor, Program, new.program_id, "program.view").id,)
    except NotFound:
        field = "task_id" if new.task_id is not None else "program_id"
        raise Invalid({field: phrase("There is no such %(value)s.", value=field.removesuffix("_id"))}) from None
    return ()


def _role(actor: Actor, role_id: UUID) -> AccessRole:
    role = db.session.scalar(
        select(AccessRole).where(AccessRole.application_instance_id == actor.tenant_id, AccessRole.id == role_id)
    )
    if role is None:
        raise Invalid({"access_role_id": phrase("There is no such role.")})
    return role


def _require_holder(actor: Actor, new: NewAccessGrant) -> None:
    """Only people and groups of the organisation hold roles; of others we do not even say whether they exist."""
    if new.user_group_id is not None:
        group = select(UserGroup.id).filter_by(application_instance_id=actor.tenant_id, id=new.user_group_id)
        if db.session.scalar(group) is None:
            raise Invalid({"user_group_id": phrase("There is no such group.")})
        return
    assert new.user_id is not None
    require_person(actor, new.user_id)


def require_person(actor: Actor, user_id: int) -> None:
    """Raise Invalid for somebody who does not work here, be it that they were let go."""
    person = select(ApplicationInstanceUser.user_id).filter_by(
        application_instance_id=actor.tenant_id, user_id=user_id, deactivated_at=None
    )
    if db.session.scalar(person) is None:
        raise Invalid({"user_id": phrase("Nobody with this id works here.")})
