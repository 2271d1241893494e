"""Make, change and delete roles.

Nobody comes to more by a role than they have already: what somebody puts into one they hold throughout the organisation
themselves, and what they change or delete theirs manages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Uuid, any_, delete, func, literal, select, update

from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import new_token
from app.core.permissions import expect_version, fetch, require
from app.core.phrases import phrase
from app.core.roles import PERMISSIONS, role_in_words
from app.core.transaction import command
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessPermission, AccessRole
from app.models.invitations import Invitation
from app.queries.access import grants_reaching, roles_given_by
from app.schemas.access_roles import AccessRoleChanges, NewAccessRole

MOST_ROLES = 60  # they are shown side by side


@command
def create_access_role(actor: Actor, new: NewAccessRole) -> AccessRole:
    """Make a role. Its maker can give and change it afterwards only as far as their own roles say that they manage it.

    So that this is not nobody but an owner, the new role is added to those that a role of the maker's manages: to each
    by which, throughout the organisation, they edit and give roles, and which allows all that the new one does. Another
    would come to more than its own by giving it.

    Raises Invalid where another role has the name, Forbidden for what the maker may not hand on.
    """
    require(actor, "access_role.update")
    _one_at_a_time(actor)
    _refuse_beyond(actor, new.permissions)
    _refuse_to_manage(actor, new.managed_role_ids)
    _require_free_name(actor, new.name)
    role = AccessRole(
        application_instance_id=actor.tenant_id,
        key=_free_key(actor, new.name),
        managed_role_ids=list(new.managed_role_ids),
        **new.model_dump(include={"name", "description"}),
    )
    db.session.add(role)
    db.session.flush()
    db.session.add_all(_permission(role, each) for each in new.permissions)
    db.session.flush()
    record(actor, "access_role.created", role, facts={"added": list(new.permissions)})
    announce(role, "created")
    _hand_to_its_maker(actor, role, new)
    return role


@command
def update_access_role(actor: Actor, role_id: UUID, changes: AccessRoleChanges) -> AccessRole:
    """Change what was sent and leave the rest; a change of the permissions alone is a new version too.

    Raises StaleVersion if somebody else was faster, Conflict for the role that has to keep everything, Forbidden for a
    role that the actor's own do not manage, and for what they may not hand on.
    """
    _one_at_a_time(actor)
    role = fetch(actor, AccessRole, role_id, "access_role.update", lock=True)
    _refuse_unless_managed(actor, role)
    expect_version(role, changes.version)
    sent = changes.model_dump(exclude_unset=True, exclude={"version", "permissions"})
    if "managed_role_ids" in sent:
        sent["managed_role_ids"] = list(sent["managed_role_ids"])
        _refuse_to_manage(actor, set(sent["managed_role_ids"]) - set(role.managed_role_ids))
    if "name" in sent:
        _require_free_name(actor, sent["name"], but=role)
    facts = _change_permissions(actor, role, changes.permissions) if "permissions" in changes.model_fields_set else {}
    for name, value in sent.items():
        if getattr(role, name) != value:
            setattr(role, name, value)
    if facts or db.session.is_modified(role):
        role.updated_at = clock.now()  # permissions are rows of their own: this is what makes a version of them
        db.session.flush()
        record(actor, "access_role.updated", role, facts=facts or None)
        announce(role)
    return role


@command
def delete_access_role(actor: Actor, role_id: UUID, *, version: int | None = None) -> None:
    """Delete a role that nobody holds and no invitation waits with. Other roles do not manage it any longer.

    Invitations that are over stay, and keep its name.

    Raises Forbidden as changing it does, Conflict for a role that is in use or came with the organisation.
    """
    _one_at_a_time(actor)
    role = fetch(actor, AccessRole, role_id, "access_role.update", lock=True)
    _refuse_unless_managed(actor, role)
    expect_version(role, version)
    if role.is_shipped:
        raise Conflict(phrase("This role came with the organisation and stays. You can change what it allows."))
    _refuse_in_use(role)
    _let_go_of(actor, role)
    _name_in_past_invitations(role)
    ours = (AccessPermission.application_instance_id == actor.tenant_id, AccessPermission.access_role_id == role.id)
    held = sorted(db.session.scalars(select(AccessPermission.permission).where(*ours)))
    db.session.execute(delete(AccessPermission).where(*ours))
    db.session.delete(role)
    db.session.flush()
    record(actor, "access_role.deleted", role, facts={"name": role.name, "removed": held})
    announce(role, "deleted")


def _one_at_a_time(actor: Actor) -> None:
    """Roles name each other: two changes of an organisation's roles wait for each other, before they lock any row."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"roles:{actor.tenant_id}", 0))))


def _refuse_unless_managed(actor: Actor, role: AccessRole) -> None:
    managed = roles_given_by(actor)
    if managed is not None and role.id not in managed:
        raise Forbidden(
            phrase(
                "Your roles do not manage the role “%(name)s”: you can neither change nor delete it.",
                name=role_in_words(role.name),
            )
        )
    if role.manages_every_role:
        raise Conflict(
            phrase(
                "The role “%(name)s” keeps everything, so that somebody can always mend the organisation.",
                name=role_in_words(role.name),
            )
        )


def _refuse_beyond(actor: Actor, permissions: Iterable[str]) -> None:
    """Raise Forbidden for what the actor does not hold throughout. Who sees all of a kind sees their own of it too."""
    held = actor.permissions | {f"{name}_own" for name in actor.permissions if name.endswith(".view")}
    beyond = [PERMISSIONS[name] for name in PERMISSIONS if name in permissions and name not in held]
    if beyond and actor.user_id is not None:
        raise Forbidden(
            phrase(
                "A role can allow only what yours allow throughout the organisation; not: %(value)s.",
                value="; ".join(beyond),
            )
        )


def _refuse_to_manage(actor: Actor, added: Iterable[UUID]) -> None:
    """Raise for roles that the actor may not give throughout, and so cannot let others give: Invalid, Forbidden."""
    wanted = set(added)
    if not wanted:
        return
    there = select(AccessRole.id).where(AccessRole.application_instance_id == actor.tenant_id)
    if wanted - set(db.session.scalars(there.where(AccessRole.id.in_(wanted)))):
        raise Invalid({"managed_role_ids": phrase("There is no such role.")})
    require(actor, "access_grant.create")
    managed = roles_given_by(actor)
    if managed is not None and wanted - managed:
        raise Forbidden(
            phrase("A role can let its holders give only roles that you may give throughout the organisation.")
        )


def _require_free_name(actor: Actor, name: str, *, but: AccessRole | None = None) -> None:
    here = select(AccessRole).where(AccessRole.application_instance_id == actor.tenant_id)
    others = [role for role in db.session.scalars(here) if but is None or role.id != but.id]
    if any(role.name.casefold() == name.casefold() for role in others):
        raise Invalid({"name": phrase("There is a role with this name already.")})
    if but is None and len(others) >= MOST_ROLES:
        raise Conflict(
            phrase(
                "An organisation can have %(most_roles)s roles. Delete one that nobody needs.", most_roles=MOST_ROLES
            )
        )


def _free_key(actor: Actor, name: str) -> str:
    """What programs call a new role. It stays when the role is renamed, and may therefore be taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "role"
    taken = select(AccessRole.id).filter_by(application_instance_id=actor.tenant_id, key=key)
    if key == "role" or db.session.scalar(taken) is not None:
        return f"{key}-{new_token()[:10].lower().replace('_', 'x')}"
    return key


def _permission(role: AccessRole, permission: str) -> AccessPermission:
    return AccessPermission(
        application_instance_id=role.application_instance_id, access_role_id=role.id, permission=permission
    )


def _change_permissions(actor: Actor, role: AccessRole, wanted: Iterable[str]) -> dict[str, list[str]]:
    """Have the role allow what is wanted; what came and what went, as the trail keeps it."""
    ours = (AccessPermission.application_instance_id == actor.tenant_id, AccessPermission.access_role_id == role.id)
    held, wanted = set(db.session.scalars(select(AccessPermission.permission).where(*ours))), set(wanted)
    added, removed = sorted(wanted - held), sorted(held - wanted)
    _refuse_beyond(actor, added)
    db.session.add_all(_permission(role, each) for each in added)
    if removed:
        db.session.execute(delete(AccessPermission).where(*ours, AccessPermission.permission.in_(removed)))
    return {name: each for name, each in (("added", added), ("removed", removed)) if each}


def _hand_to_its_maker(actor: Actor, role: AccessRole, new: NewAccessRole) -> None:
    if actor.user_id is None:
        return
    wanted, given = set(new.permissions), set(new.managed_role_ids)
    for grant in grants_reaching(actor, actor.user_id):
        held = set(grant.permissions)
        held |= {f"{name}_own" for name in held if name.endswith(".view")}
        by_it = {"access_role.update", "access_grant.create"} <= held and not grant.manages_every_role
        if by_it and wanted <= held and given <= set(grant.managed_role_ids):
            _let_manage(actor, grant.access_role_id, role)


def _let_manage(actor: Actor, manager_id: UUID, role: AccessRole) -> None:
    manager = db.session.scalars(
        select(AccessRole)
        .filter_by(application_instance_id=actor.tenant_id, id=manager_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if role.id not in manager.managed_role_ids:
        _set_managed(actor, manager, [*manager.managed_role_ids, role.id])


def _let_go_of(actor: Actor, role: AccessRole) -> None:
    """Have no other role name one that goes: nothing else would take the id out of their lists."""
    managers = (
        select(AccessRole)
        .where(AccessRole.application_instance_id == actor.tenant_id, AccessRole.id != role.id)
        .where(literal(role.id, Uuid) == any_(AccessRole.managed_role_ids))
        .order_by(AccessRole.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for manager in list(db.session.scalars(managers)):
        _set_managed(actor, manager, [each for each in manager.managed_role_ids if each != role.id])


def _name_in_past_invitations(role: AccessRole) -> None:
    """Have invitations that are over say by name as what somebody was invited: none that waits is left by now."""
    db.session.execute(
        update(Invitation)
        .where(Invitation.application_instance_id == role.application_instance_id, Invitation.access_role_id == role.id)
        .values(access_role_id=None, former_role_name=role.name)
    )


def _set_managed(actor: Actor, manager: AccessRole, managed: list[UUID]) -> None:
    remember(manager)
    manager.managed_role_ids = managed
    db.session.flush()
    record(actor, "access_role.updated", manager)
    announce(manager)


def _refuse_in_use(role: AccessRole) -> None:
    """Raise Conflict for a role that somebody has, or that waits for somebody. The lock on it keeps new ones out."""
    mine = {"application_instance_id": role.application_instance_id, "access_role_id": role.id}
    people, groups, invited = (
        db.session.scalar(query) or 0
        for query in (
            select(func.count(AccessGrant.user_id)).filter_by(**mine),
            select(func.count(AccessGrant.user_group_id)).filter_by(**mine),
            select(func.count(Invitation.id)).filter_by(**mine, accepted_at=None, withdrawn_at=None),
        )
    )
    if people or groups or invited:
        raise Conflict(
            phrase(
                "This role is in use: given to %(people)s people and %(groups)s groups, waiting in %(invited)s"
                " invitations. Take it away there first.",
                people=people,
                groups=groups,
                invited=invited,
            )
        )
