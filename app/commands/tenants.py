"""Make organisations, with all that they start with, and let people into them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.commands.ended_sessions import end_sessions_of
from app.commands.governance_policies import ship_policies
from app.commands.workflows import create_built_in_workflow
from app.core import clock, common_passwords, passwords, sealing, tenancy
from app.core.actor import Actor, Tenant, Visitor
from app.core.announcing import say_farewell
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.parsing import parse
from app.core.phrases import phrase
from app.core.roles import SHIPPED_ROLES, SYSTEM_PERMISSIONS
from app.core.transaction import command
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.users import User
from app.schemas.tenants import GivenPassword, NewMember, NewTenant


@command(anyone="an operator makes organisations on the command line, before anybody is in them")
def create_tenant(_visitor: Visitor, new: NewTenant) -> ApplicationInstance:
    """Make an organisation with roles, workflow, policies and first owner. Raises Invalid where the slug is taken."""
    tenant = ApplicationInstance(id=new_id(), slug=new.slug, name=new.name)
    db.session.add(tenant)
    db.session.flush()
    with tenancy.entered(db.session, tenant.id):
        sealing.create_tenant_key(tenant.id)
        _ship_roles(tenant.id)
        system = system_actor(tenant)
        record(system, "application_instance.created", tenant)
        record(system, "workflow.created", create_built_in_workflow(tenant.id))
        ship_policies(system)
        owner = NewMember(email=new.owner_email, name=new.owner_name, password=new.owner_password, role="owner")
        _let_in(system, owner, field="owner_password")
        db.session.flush()
    return tenant


@command(anyone="an operator lets people in on the command line; invitations come with the pages for people")
def create_member(actor: Actor, new: NewMember) -> User:
    """Let a person into the organisation, with one role or none yet. Raises Invalid where there is no such role."""
    return _let_in(actor, new)


@command(anyone="an operator sets passwords on the command line; people set their own with the pages for people")
def set_password(actor: Actor, email: str, password: str) -> User:
    """Give a member of the organisation another password, and sign them out.

    Raises Invalid for anybody else, and for a password that is too short, too long or easily guessed.
    """
    user = db.session.scalar(
        select(User)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .where(func.lower(User.email) == func.lower(email))
    )
    if user is None:
        raise Invalid({"email": phrase("Nobody with this address works here.")})
    user.password_hash = _hash_of(parse(GivenPassword, {"password": password}).password, "password", actor, user)
    db.session.flush()
    record(actor, "user.password_set", user)
    end_sessions_of(user.user_id)
    return user


@command(anyone="an operator suspends organisations on the command line")
def suspend_tenant(actor: Actor) -> ApplicationInstance:
    """Let nobody work in the organisation, by no way in, until it is resumed. Twice is once."""
    return _set_suspended(actor, clock.now(), "application_instance.suspended")


@command(anyone="an operator resumes organisations on the command line")
def resume_tenant(actor: Actor) -> ApplicationInstance:
    """Let people work in a suspended organisation again; its jobs go on. Twice is once."""
    return _set_suspended(actor, None, "application_instance.resumed")


def system_actor(tenant: ApplicationInstance) -> Actor:
    """The system itself, at work in an organisation."""
    return Actor(
        tenant=Tenant(tenant.id, tenant.slug, tenant.name),
        permissions=SYSTEM_PERMISSIONS,
        name="Oversing",
        authenticated_by="system",
    )


def _set_suspended(actor: Actor, since: datetime | None, event_type: str) -> ApplicationInstance:
    tenant = db.session.get_one(ApplicationInstance, actor.tenant_id, with_for_update=True)
    remember(tenant)
    if (tenant.suspended_at is None) != (since is None):
        tenant.suspended_at = since
        db.session.flush()
        record(actor, event_type, tenant)
        say_farewell(tenant_id=actor.tenant_id)
    return tenant


def _hash_of(password: str, field: str, actor: Actor, user: User) -> str:
    """The hash of a password that an operator chooses. Raises Invalid where it is easily guessed."""
    common_passwords.refuse_easily_guessed(field, password, [user.name, user.email, actor.tenant.name])
    return passwords.hash_password(password)


def _let_in(actor: Actor, new: NewMember, *, field: str = "password") -> User:
    user = db.session.scalar(select(User).where(func.lower(User.email) == func.lower(new.email)))
    if user is None:
        user = User(email=new.email, name=new.name)
        user.password_hash = _hash_of(new.password, field, actor, user)
        db.session.add(user)
        db.session.flush()
    db.session.add(ApplicationInstanceUser(application_instance_id=actor.tenant_id, user_id=user.user_id))
    db.session.flush()
    record(actor, "user.joined", user)
    if new.role is not None:
        _grant(actor, user, new.role)
    return user


def _grant(actor: Actor, user: User, role_key: str) -> None:
    role_id = db.session.scalar(
        select(AccessRole.id).where(AccessRole.application_instance_id == actor.tenant_id, AccessRole.key == role_key)
    )
    if role_id is None:
        raise Invalid({"role": phrase("There is no such role.")})
    grant = AccessGrant(application_instance_id=actor.tenant_id, access_role_id=role_id, user_id=user.user_id)
    db.session.add(grant)
    db.session.flush()
    record(actor, "access_grant.created", grant)


_ALLOW = insert(db.metadata.tables["access_permissions"]).from_select(
    ["application_instance_id", "access_role_id", "permission"],
    select(
        bindparam("tenant", type_=PG_UUID),
        func.unnest(bindparam("roles", type_=ARRAY(PG_UUID))),
        func.unnest(bindparam("permissions", type_=ARRAY(Text))),
    ),
)


def _ship_roles(tenant_id: UUID) -> None:
    ids = {key: new_id() for key in SHIPPED_ROLES}
    db.session.add_all(
        AccessRole(
            id=ids[key],
            application_instance_id=tenant_id,
            key=key,
            name=role.name,
            description=role.description,
            is_shipped=True,
            manages_every_role=role.manages_every_role,
            managed_role_ids=[ids[managed] for managed in role.manages],
        )
        for key, role in SHIPPED_ROLES.items()
    )
    db.session.flush()
    allowed = [(ids[key], permission) for key, role in SHIPPED_ROLES.items() for permission in sorted(role.permissions)]
    roles, permissions = zip(*allowed, strict=True)
    db.session.execute(_ALLOW, {"tenant": tenant_id, "roles": list(roles), "permissions": list(permissions)})
