"""Who may do what: permissions are code, roles are data, and there is one road to a row.

`fetch` loads, hides (NotFound) or refuses (Forbidden); `require` asks for what needs no row yet; templates ask
`Actor.may` of the same table. Issue a new permission here, and nowhere else.
"""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from app.core.actor import Actor
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.transaction import current_unit

M = TypeVar("M")

PERMISSIONS: dict[str, str] = {
    "program.view": "See programs",
    "program.create": "Create programs",
    "program.update": "Edit programs",
    "program.delete": "Delete and restore programs",
    "task.view": "See tasks, their comments and their history",
    "task.create": "Create tasks",
    "task.update": "Edit tasks",
    "task.delete": "Delete and restore tasks",
    "task.assign": "Assign tasks to people",
    "task.move": "Move tasks along their workflow",
    "task.comment": "Comment on tasks",
    "certification.view": "See certifications, verify and download them",
    "certification.create": "Have outputs certified",
    "certification.revoke": "Revoke certifications",
    "policy.view": "See governance policies",
    "user.view": "See who works here",
    "api_key.view": "See API keys",
    "api_key.create": "Make and revoke API keys",
}

_VIEWING = frozenset(name for name in PERMISSIONS if name.endswith(".view"))
_WORKING = frozenset(
    {
        "program.create",
        "program.update",
        "task.create",
        "task.update",
        "task.delete",
        "task.assign",
        "task.move",
        "task.comment",
        "certification.create",
    }
)

# What a new organisation starts with. From then on its roles are its own rows.
SHIPPED_ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "owner": ("Owner", frozenset(PERMISSIONS)),
    "member": ("Member", _VIEWING | _WORKING),
    "viewer": ("Viewer", _VIEWING),
}

# What the system itself may do: carry on what people have asked for.
SYSTEM_PERMISSIONS = frozenset(PERMISSIONS) | {"certification.decide", "certification.sign"}


def fetch(
    actor: Actor, model: type[M], row_id: Any, permission: str, *, lock: bool = False, deleted: bool = False
) -> M:
    """The row of `model` with this id, if `actor` has `permission` for it.

    `lock` holds the row until the transaction ends; `deleted` looks in the trash instead. Raises NotFound where there
    is no such row in this organisation or the actor may not see its kind, and Forbidden where it may be seen only.
    """
    kind: str = model.kind  # type: ignore[attr-defined]
    _asked(permission)
    if not actor.may(f"{kind}.view"):
        raise NotFound
    query = select(model).where(
        model.id == row_id,  # type: ignore[attr-defined]
        model.application_instance_id == actor.tenant_id,  # type: ignore[attr-defined]
    )
    if lock:  # what was read before the row was ours may be old
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalar(query)
    if row is None or (hasattr(row, "deleted_at") and (row.deleted_at is not None) != deleted):
        raise NotFound
    if not actor.may(permission):
        raise Forbidden
    remember(row)
    return row


def require(actor: Actor, permission: str) -> None:
    """Go on only if `actor` has `permission`. Raises Forbidden, or NotFound where even looking is not allowed."""
    _asked(permission)
    if actor.may(permission):
        return
    if permission.endswith(".view"):
        raise NotFound
    raise Forbidden


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
    return granted & (scopes | {f"{scope.partition('.')[0]}.view" for scope in scopes})


def as_uuid(text: str) -> UUID:
    """The id that a person or program typed. Raises NotFound: what is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _asked(permission: str) -> None:
    assert permission in SYSTEM_PERMISSIONS, f"{permission} is not in the table of permissions."
    if (unit := current_unit()) is not None:
        unit.asked = True
