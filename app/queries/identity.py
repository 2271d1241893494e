"""Who is asking: from a cookie or a key to a person, an organisation and what the person may do there.

Asked anew for each request, so that what was taken away counts at once; the statements are therefore built only once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Uuid,
    any_,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core import tenancy
from app.core.actor import Actor, LocalRole, Profile, RolesOnTasks, TaskRole, Tenant
from app.core.database import db, rows_of
from app.core.languages import SOURCE, usual_locale
from app.core.permissions import effective
from app.models.access_grants import AccessGrant
from app.models.api_keys import ApiKey, hash_of
from app.models.application_instances import ApplicationInstance, ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.models.users import User


def _enter(tenant: Any, person: Any) -> ColumnElement[Any]:
    """Makes an organisation current for the transaction, and tells the roles of the person; null for a stranger."""
    return func.enter_application_instance(tenant, person, bindparam("asked", type_=ARRAY(Uuid)), type_=JSONB)


TENANT = (  # as `tenant_from` reads it
    ApplicationInstance.id.label("tenant_id"),
    ApplicationInstance.slug,
    ApplicationInstance.name.label("tenant_name"),
    ApplicationInstance.suspended_at.is_not(None).label("is_suspended"),
    ApplicationInstance.time_zone,
    ApplicationInstance.locale,
    ApplicationInstance.closes_at,
    ApplicationInstance.closed_at.is_not(None).label("is_closed"),
)
_PROFILE = (User.time_zone.label("own_time_zone"), User.locale.label("own_locale"), User.avatar_id, User.is_compact)
_SESSION = (
    select(
        UserSession.id,
        UserSession.data,
        UserSession.last_seen_at,
        UserSession.signed_in_at,
        ApplicationInstance.session_idle_minutes,
        ApplicationInstance.session_hours,
        User.user_id,
        User.name,
        User.email,
        *_PROFILE,
        *TENANT,
        _enter(ApplicationInstance.id, User.user_id).label("roles"),
    )
    .select_from(UserSession)
    .outerjoin(User, (User.user_id == UserSession.user_id) & User.deactivated_at.is_(None))
    .outerjoin(ApplicationInstance, ApplicationInstance.slug == bindparam("at"))
    .where(
        UserSession.token_hash == bindparam("token_hash"),
        UserSession.expires_at > bindparam("now"),
        UserSession.last_seen_at > bindparam("seen_after"),
    )
)

# Presents the hash, which lets row security show the one row, and reads that row.
_PRESENTED: Any = (
    func.presented_api_key(bindparam("hash", type_=LargeBinary))
    .table_valued(*ApiKey.__table__.columns)
    .alias("presented")
)
_KEY = (
    select(
        _PRESENTED.c.id,
        _PRESENTED.c.scopes,
        _PRESENTED.c.networks,
        _PRESENTED.c.last_used_at,
        User.user_id,
        User.name,
        User.email,
        *_PROFILE,
        *TENANT,
        ApplicationInstance.api_origins,
        _enter(_PRESENTED.c.application_instance_id, _PRESENTED.c.user_id).label("roles"),
    )
    .join(User, User.user_id == _PRESENTED.c.user_id)
    .join(ApplicationInstance, ApplicationInstance.id == _PRESENTED.c.application_instance_id)
    .where(_PRESENTED.c.revoked_at.is_(None), User.deactivated_at.is_(None))
    .where(_PRESENTED.c.expires_at.is_(None) | (_PRESENTED.c.expires_at > bindparam("now")))
)

_ROLES = select(_enter(bindparam("tenant"), bindparam("user")))
_EVERY_TASK = select(
    AccessGrant.user_id, AccessGrant.user_group_id, AccessGrant.task_id, AccessGrant.access_role_id
).where(
    AccessGrant.application_instance_id == bindparam("tenant"),
    AccessGrant.task_id.is_not(None),
    or_(
        AccessGrant.user_id == any_(bindparam("people", type_=ARRAY(BigInteger))),
        AccessGrant.user_group_id == any_(bindparam("groups", type_=ARRAY(Uuid))),
    ),
)
_ON_TASKS = select(AccessGrant.task_id, AccessGrant.access_role_id).where(
    AccessGrant.application_instance_id == bindparam("tenant"),
    AccessGrant.task_id == any_(bindparam("tasks", type_=ARRAY(Uuid))),
    or_(
        AccessGrant.user_id == bindparam("person", type_=BigInteger),
        AccessGrant.user_group_id == any_(bindparam("groups", type_=ARRAY(Uuid))),
    ),
)

_AT_WORK = select(User.user_id).where(
    User.user_id == any_(bindparam("people", type_=ARRAY(BigInteger))), User.deactivated_at.is_(None)
)
_ALIKE = func.roles_of_people(  # who may do the same is told of together, and what they may beside the first of them
    bindparam("tenant", type_=Uuid),
    func.array(_AT_WORK.scalar_subquery(), type_=ARRAY(BigInteger)),
    bindparam("asked", type_=ARRAY(Uuid)),
).table_valued(column("alike", ARRAY(BigInteger)), column("told", JSONB))
_FIRST: ColumnElement[int] = _ALIKE.c.alike[1]
_EACH = func.unnest(_ALIKE.c.alike).table_valued(column("person", BigInteger)).render_derived("each_of_them")
_MEMBERS = (
    select(User.user_id, *_PROFILE, User.is_shown, *TENANT, _FIRST.label("first"))
    .add_columns(case((User.user_id == _FIRST, _ALIKE.c.told)).label("told"))
    .select_from(_ALIKE)
    .join(_EACH, true())
    .join(User, User.user_id == _EACH.c.person)
    .join(ApplicationInstance, ApplicationInstance.id == bindparam("tenant"))
)


class Role(NamedTuple):
    """A role that somebody holds in an organisation: `everywhere` in it, in some programs (`places`), on some tasks."""

    id: str
    name: str
    permissions: list[str]
    everywhere: bool
    places: list[str]
    on_tasks: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The roles of a person, the groups that they are in, and which roles they hold on what was asked about."""

    tenant_id: UUID
    user_id: int
    roles: list[Role]
    group_ids: frozenset[UUID]
    known: dict[UUID, set[UUID]]
    many_tasks: bool = False

    def __iter__(self) -> Iterator[Role]:
        return iter(self.roles)


def find_session(
    token_hash: bytes, slug: str | None, now: datetime, seen_after: datetime, asked: Sequence[UUID] = ()
) -> Any:
    """The session behind a cookie, with its person and the organisation called `slug`, each None where there is none.

    None where the session has ended or was idle too long. `slug` is what somebody put into an address. Where the person
    belongs to the organisation, `roles` is told, and the organisation the current one of the transaction from now on.
    `asked` are the ids of what the request is about: if these are tasks, the roles on them are told too.
    """
    at = slug if slug and slug.isascii() and slug.isprintable() else None
    given = {"token_hash": token_hash, "at": at, "now": now, "seen_after": seen_after, "asked": list(asked)}
    return rows_of(db.session, _SESSION, given).first()


def find_api_key(secret: str, now: datetime, asked: Sequence[UUID] = ()) -> Any:
    """The key with this secret and the person it acts for, or None where it has expired or was revoked.

    Row security shows the key to whoever presents its hash, before any organisation is current. Where the person still
    belongs to the organisation, `roles` is told, and the organisation the current one of the transaction from now on.
    """
    return rows_of(db.session, _KEY, {"hash": hash_of(secret), "now": now, "asked": list(asked)}).first()


def find_roles(tenant_id: UUID, user_id: int) -> Held | None:
    """The roles that a person has in an organisation, which is entered by asking; None for a stranger."""
    told = db.session.scalar(_ROLES, {"tenant": tenant_id, "user": user_id, "asked": []})
    return roles_from(told, tenant_id, user_id)


def find_members(tenant_id: UUID, user_ids: Collection[int], asked: Sequence[UUID] = ()) -> dict[int, Actor]:
    """Some people as they are at work in an organisation now, with all that their pages depend on. One query.

    Whoever does not belong to it is left out, and everybody where nobody may work in it. What is allowed to many is one
    thing for all of them.
    """
    given = {"tenant": tenant_id, "people": list(user_ids), "asked": list(asked)}
    rows = db.session.execute(_MEMBERS, given).all()
    if not rows or (tenant := tenant_from(rows[0])).is_suspended or tenant.is_closed:
        return {}
    alike = {row.first: roles_from(row.told, tenant_id, row.first) for row in rows if row.told}
    allowed = {first: allowed_by(held) for first, held in alike.items() if held is not None}
    members: dict[int, Actor] = {}
    for row in rows:
        held = replace(alike[row.first], user_id=row.user_id)
        own = allowed[row.first] | {"on_tasks": _on_tasks_of(held)}
        profile = replace(profile_from(row), is_shown=row.is_shown)
        members[row.user_id] = Actor(
            tenant=tenant, user_id=row.user_id, authenticated_by="session", profile=profile, **own
        )
    return members


def has_same_rights(actor: Actor) -> bool:
    """Whether a person may still do what they could at the door: what they have just done may have changed it."""
    roles = None if actor.user_id is None else find_roles(actor.tenant_id, actor.user_id)
    if roles is None:
        return False
    now = allowed_by(roles)
    places = all(set(now[name]) == set(getattr(actor, name)) for name in ("local_roles", "task_roles"))
    return places and bool(now["permissions"] == actor.permissions and now["group_ids"] == actor.group_ids)


def tenant_from(row: Any) -> Tenant:
    """The organisation of a session or a key, as an Actor wants to know it."""
    return Tenant(
        id=row.tenant_id,
        slug=row.slug,
        name=row.tenant_name,
        is_suspended=row.is_suspended,
        time_zone=row.time_zone,
        locale=row.locale,
        closes_at=row.closes_at,
        is_closed=row.is_closed,
    )


def profile_from(row: Any) -> Profile:
    """How the person of a session or a key is shown, and has things shown."""
    return Profile(row.own_time_zone, row.own_locale, row.avatar_id, is_compact=row.is_compact)


def roles_from(found: dict[str, Any] | None, tenant_id: UUID, user_id: int) -> Held | None:
    """Roles as the database's function tells them."""
    if found is None:
        return None
    return Held(
        tenant_id,
        user_id,
        roles=[Role(**role) for role in found["roles"]],
        group_ids=frozenset(map(UUID, found["groups"])),
        known={UUID(task_id): set(map(UUID, roles)) for task_id, roles in found["known"].items()},
        many_tasks=found.get("many_tasks", False),
    )


def allowed_by(held: Held, scopes: frozenset[str] = frozenset({"*"})) -> dict[str, Any]:
    """What roles allow within the scopes of a key, as an Actor wants to know it."""
    throughout = (permission for role in held if role.everywhere for permission in role.permissions)
    allowed = {role.id: effective(frozenset(role.permissions), scopes) for role in held}
    return {
        "permissions": effective(frozenset(throughout), scopes),
        "local_roles": tuple(LocalRole(allowed[role.id], frozenset(role.places)) for role in held if role.places),
        "task_roles": tuple(TaskRole(UUID(role.id), allowed[role.id]) for role in held if role.on_tasks),
        "on_tasks": _on_tasks_of(held),
        "group_ids": held.group_ids,
        "role_names": tuple(role.name for role in held),
    }


def _on_tasks_of(held: Held) -> RolesOnTasks:
    """What somebody holds on single tasks: each looks for themselves."""
    return RolesOnTasks(partial(_roles_on, held), held.known, are_many=held.many_tasks)


def tasks_by_role(actor: Actor) -> dict[UUID, list[str]]:
    """The tasks on which somebody holds a role for the task alone, by that role: for who wants to know them all."""
    if not actor.task_roles or actor.user_id is None:
        return {}
    found: dict[UUID, list[str]] = {}
    [on_tasks] = every_task_of(actor.tenant_id, [actor])
    for task_id, roles in on_tasks.known.items():
        for role_id in roles:
            found.setdefault(role_id, []).append(str(task_id))
    return {role_id: sorted(tasks) for role_id, tasks in found.items()}


def every_task_of(tenant_id: UUID, actors: Collection[Actor]) -> list[RolesOnTasks]:
    """What each of some people holds on single tasks, all of it as it is now: for who compares it later, and looks no
    more. One query for all of them.
    """
    groups = {group_id for actor in actors for group_id in actor.group_ids}
    given = {"tenant": tenant_id, "people": [actor.user_id for actor in actors], "groups": list(groups)}
    held: dict[int | UUID, list[tuple[UUID, UUID]]] = {}
    with tenancy.entered(db.session, tenant_id):
        for user_id, group_id, task_id, role_id in db.session.execute(_EVERY_TASK, given):
            held.setdefault(group_id or user_id, []).append((task_id, role_id))
    return [_as_held(actor, held) for actor in actors]


def _as_held(actor: Actor, held: Mapping[int | UUID, list[tuple[UUID, UUID]]]) -> RolesOnTasks:
    known: dict[UUID, set[UUID]] = {}
    for holder in (actor.user_id or 0, *actor.group_ids):
        for task_id, role_id in held.get(holder, ()):
            known.setdefault(task_id, set()).add(role_id)
    return RolesOnTasks(known=known, are_many=actor.on_tasks.are_many)


def _roles_on(held: Held, places: list[UUID]) -> dict[UUID, set[UUID]]:
    """The roles that a person holds on some tasks, by the id of the task. One statement for all of them."""
    given = {"tenant": held.tenant_id, "person": held.user_id, "groups": list(held.group_ids), "tasks": places}
    found: dict[UUID, set[UUID]] = {}
    with tenancy.entered(db.session, held.tenant_id), db.session.no_autoflush:
        for task_id, role_id in db.session.execute(_ON_TASKS, given):
            found.setdefault(task_id, set()).add(role_id)
    return found


def tenants_of(user_id: int) -> list[Any]:
    """The organisations that a person works in, by name."""
    db.session.execute(text("SELECT set_config('oversing.user', :user, true)"), {"user": str(user_id)})
    query = (
        select(ApplicationInstance.id, ApplicationInstance.slug, ApplicationInstance.name, ApplicationInstance.locale)
        .join(
            ApplicationInstanceUser,
            ApplicationInstanceUser.application_instance_id == ApplicationInstance.id,
        )
        .where(ApplicationInstanceUser.user_id == user_id, ApplicationInstanceUser.deactivated_at.is_(None))
        .where(ApplicationInstance.closed_at.is_(None))
        .order_by(ApplicationInstance.name)
    )
    return list(db.session.execute(query))


def locale_of(user: User) -> str:
    """How somebody has things written, where they are at work in no organisation: else as one of theirs has it."""
    return user.locale or next((tenant.locale for tenant in tenants_of(user.user_id)), usual_locale(SOURCE))
