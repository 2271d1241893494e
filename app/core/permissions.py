"""Who may do what: there is one road to a row, and one to a list.

A permission (app/core/roles.py) holds throughout the organisation, or in the places that a role was given for: a
program with all below it, or one task. `fetch` loads, hides (NotFound) or refuses (Forbidden); `in_sight` narrows lists
in SQL; `require` asks for what needs no row yet; templates ask `Actor.may` of the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.actor import Actor, SignedIn
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.roles import OWN_SCOPES, SYSTEM_PERMISSIONS
from app.core.transaction import has_asked

M = TypeVar("M")

# The table of grants as this room knows it: by name, since models lie further up.
_GRANTS = table(
    "access_grants",
    *(column(name, Uuid) for name in ("application_instance_id", "access_role_id", "user_group_id", "task_id")),
    column("user_id", BigInteger),
)


def fetch(
    actor: Actor, model: type[M], row_id: Any, permission: str, *, lock: bool = False, deleted: bool = False
) -> M:
    """The row of `model` with this id, if `actor` has `permission` for it: throughout, or where the row lies.

    `lock` holds the row until the transaction ends; `deleted` looks in the trash instead. Raises NotFound where there
    is no such row in this organisation or the actor may not see it, and Forbidden where it may be seen only.
    """
    _asked(permission)
    viewing = viewing_of(model)
    if not (actor.may_somewhere(viewing) or actor.may_somewhere(f"{viewing}_own")):
        raise NotFound
    places = places_of(model) if actor.local_roles or actor.task_roles else ()
    roles = [held_on(place) if _is_task(place) else null() for place in places] if actor.task_roles else []
    query = select(model, false() if actor.may(viewing) else owned(model, actor), *places, *roles).where(
        model.id == row_id,  # type: ignore[attr-defined]
        model.application_instance_id == actor.tenant_id,  # type: ignore[attr-defined]
    )
    if lock:  # what was read before the row was ours may be old
        query = query.with_for_update(of=model).execution_options(populate_existing=True)
    found = db.session.execute(query, whose(actor) if roles else {}).first()
    if found is None:
        raise NotFound
    row, is_own, *told = found
    lies_in, held = told[: len(places)], told[len(places) :]
    actor.on_tasks.learn(dict(zip(lies_in, held, strict=False)))  # of none, where nothing on single tasks is held
    if hasattr(row, "deleted_at") and (row.deleted_at is not None) != deleted:
        raise NotFound
    if not may_see(actor, viewing, lies_in, lambda: is_own):
        raise NotFound
    if permission != viewing and not actor.may(permission, *lies_in):
        raise Forbidden.lacking(permission, actor.scopes)
    remember(row)
    return row  # type: ignore[no-any-return]


def may_see(actor: Actor, viewing: str, places: Collection[UUID | None], is_own: Callable[[], bool]) -> bool:
    """Whether somebody may see a row that lies in these places: with `viewing` for them, or as it is their own.

    Whether it is their own is asked only where that decides.
    """
    return actor.may(viewing, *places) or (actor.may(f"{viewing}_own", *places) and is_own())


def require(actor: Actor, permission: str, *places: UUID | None) -> None:
    """Go on only if `actor` has `permission`, throughout or in one of the `places`.

    Raises Forbidden, or NotFound where even looking is not allowed.
    """
    _asked(permission)
    _refuse_unless(actor.may(permission, *places), actor, permission)


def require_in(actor: Actor, permission: str, program: UUID | None) -> None:
    """The same of a program only, by its id: what somebody holds on single tasks does not count, nor is looked up."""
    _asked(permission)
    _refuse_unless(actor.may_in(permission, program), actor, permission)


def require_somewhere(actor: Actor, permission: str) -> None:
    """Go on only if `actor` has `permission` anywhere: for lists that are narrowed later, and for what has no place.

    Raises as `require` does.
    """
    _asked(permission)
    own = permission.endswith(".view") and actor.may_somewhere(f"{permission}_own")
    _refuse_unless(own or actor.may_somewhere(permission), actor, permission)


def oneself(actor: Actor, scope: str) -> SignedIn:
    """The person behind a key, as the actor of what is their own everywhere. `scope` is one of OWN_SCOPES.

    Raises Forbidden for a key that was not given it, and NotFound for the system, which is nobody.
    """
    assert scope in OWN_SCOPES, f"{scope} is not in the table of what a key may do for its person."
    if actor.user_id is None:
        raise NotFound
    # As with permissions, to change a kind of thing includes seeing it.
    kind, _, done = scope.partition(".")
    enough = {own for own in OWN_SCOPES if own == scope or (done == "view_own" and own.startswith(f"{kind}."))}
    if actor.scopes.isdisjoint(enough | {"*"}):
        raise Forbidden.lacking(scope, actor.scopes)
    return SignedIn(actor.user_id, actor.name, actor.email, origin=actor.origin, profile=actor.profile)


def in_sight(actor: Actor, model: Any) -> ColumnElement[bool] | None:
    """What narrows a list of `model` to what the actor may see; None where that is all of it. Raises NotFound for none.

    The clause has placeholders, so that a statement is built once; `sight_of` fills them.
    """
    viewing = viewing_of(model)
    require_somewhere(actor, viewing)
    return None if actor.may(viewing) else _narrowed(model, actor.on_tasks.are_many)


def sight_of(actor: Actor, model: Any) -> dict[str, Any]:
    """The values for the placeholders of `in_sight`."""
    viewing = viewing_of(model)
    return whose(actor) | {
        "sight_task_roles": actor.task_roles_with(viewing),
        "sight_own_task_roles": actor.task_roles_with(f"{viewing}_own"),
        "sight_places": actor.places_where(viewing),
        "sight_own_everywhere": f"{viewing}_own" in actor.permissions,
        "sight_own_places": actor.places_where(f"{viewing}_own"),
    }


def held_on(task: ColumnElement[Any]) -> ColumnElement[Any]:
    """The ids of the roles that the actor holds on the task of a row: for whoever asks what may be done with it.

    It brings along what would be looked up otherwise; `whose` fills its placeholders, and so does `sight_of`.
    """
    roles = select(_GRANTS.c.access_role_id).where(*_theirs(), _GRANTS.c.task_id == task)
    return func.array(roles.scalar_subquery(), type_=ARRAY(Uuid))


def whose(actor: Actor) -> dict[str, Any]:
    """The values for the placeholders of `held_on`: whose roles it tells."""
    return {
        "sight_tenant": actor.tenant_id,
        "sight_groups": list(actor.group_ids),
        "sight_person": actor.user_id,
    }


def viewing_of(model: Any) -> str:
    """The permission that lets one see rows of `model`."""
    seen_with: str = getattr(model, "seen_with", f"{model.kind}.view")
    return seen_with


def places_of(model: Any) -> tuple[ColumnElement[Any], ...]:
    """The columns that tell where a row of `model` lies: the ids of its program and task."""
    places: tuple[ColumnElement[Any], ...] = model.places() if hasattr(model, "places") else ()
    return places


def owned(model: Any, actor: Actor) -> ColumnElement[bool]:
    """Whether a row of `model` is the actor's own."""
    if actor.user_id is None or not hasattr(model, "is_own"):
        return false()
    owned_by: ColumnElement[bool] = model.is_own(literal(actor.user_id, BigInteger))
    return owned_by


@cache
def _narrowed(model: Any, many: bool) -> ColumnElement[bool]:
    """What `in_sight` gives to somebody who may see a part only; made once for each model, so statements can be too."""
    ids, places = ARRAY(Uuid), places_of(model)
    seen = [place == any_(bindparam("sight_places", type_=ids)) for place in places]
    tasks = [place for place in places if _is_task(place)]
    seen += [_is_one_of(place, _tasks_with("sight_task_roles"), many) for place in tasks]
    if not hasattr(model, "is_own"):
        return or_(false(), *seen)
    own_here = [place == any_(bindparam("sight_own_places", type_=ids)) for place in places]
    own_here += [_is_one_of(place, _tasks_with("sight_own_task_roles"), many) for place in tasks]
    own = model.is_own(bindparam("sight_person", type_=BigInteger))
    return or_(*seen, and_(or_(bindparam("sight_own_everywhere", type_=Boolean), *own_here), own))


def _is_task(place: ColumnElement[Any]) -> bool:
    """Whether a place of a row is a task: its own id, or the one that it names."""
    table = getattr(getattr(place, "table", None), "name", "")
    return getattr(place, "key", "") == "task_id" or (table == "tasks" and getattr(place, "key", "") == "id")


def _is_one_of(place: ColumnElement[Any], found: Select[Any], many: bool) -> ColumnElement[bool]:
    """Whether a place is among tasks that are found once for a statement.

    Of a few an array is made, so that an index finds the things of somebody who holds a role on few tasks. Of many a
    set, in which each thing on the way to the end of the page is looked up: an array would be gone through for each.
    """
    return place.in_(found) if many else place == any_(func.array(found.scalar_subquery(), type_=ARRAY(Uuid)))


def _tasks_with(roles: str) -> Select[Any]:
    """The tasks on which the person, or a group of theirs, was given one of these roles. Nobody sends their ids."""
    return select(_GRANTS.c.task_id).where(
        *_theirs(),
        _GRANTS.c.access_role_id == any_(bindparam(roles, type_=ARRAY(Uuid))),
        _GRANTS.c.task_id.is_not(None),
    )


def _theirs() -> tuple[ColumnElement[bool], ...]:
    """What narrows grants to those of the person and of their groups."""
    held = (
        _GRANTS.c.user_id == bindparam("sight_person", type_=BigInteger),
        _GRANTS.c.user_group_id == any_(bindparam("sight_groups", type_=ARRAY(Uuid))),
    )
    return _GRANTS.c.application_instance_id == bindparam("sight_tenant", type_=Uuid), or_(*held)


def expect_version(row: Any, version: int | None) -> None:
    """Go on only if `version`, the one that the person started from, is still the newest. Raises StaleVersion."""
    if version is not None and row.version != version:
        raise StaleVersion(row)


def effective(granted: frozenset[str], scopes: frozenset[str]) -> frozenset[str]:
    """The permissions that a key with `scopes` has for a person with `granted`: never more than the person has.

    A scope to change a kind of thing includes seeing that kind: the answer to a change shows what was changed.
    """
    if "*" in scopes:
        return granted
    kinds = {scope.partition(".")[0] for scope in scopes}
    return granted & (scopes | {f"{kind}.view" for kind in kinds} | {f"{kind}.view_own" for kind in kinds})


def as_uuid(text: str) -> UUID:
    """The id that a person or program typed. Raises NotFound: what is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _refuse_unless(allowed: bool, actor: Actor, permission: str) -> None:
    if allowed:
        return
    if permission.endswith(".view"):
        raise NotFound
    raise Forbidden.lacking(permission, actor.scopes)


def _asked(permission: str) -> None:
    assert permission in SYSTEM_PERMISSIONS, f"{permission} is not in the table of permissions."
    has_asked()
