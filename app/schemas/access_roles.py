"""Roles, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.core.roles import PERMISSIONS
from app.schemas.fields import Id, Instant, Lines, ShortLine, Unsent, Version


def _known(permissions: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(permissions) - set(PERMISSIONS))
    if unknown:
        raise ValueError(phrase("There is no such permission: %(value)s.", value=unknown[0][:60]))
    return tuple(name for name in PERMISSIONS if name in permissions)


def _once(ids: tuple[Id, ...]) -> tuple[Id, ...]:
    return tuple(dict.fromkeys(ids))


Permissions = Annotated[tuple[str, ...], Field(max_length=200), AfterValidator(_known)]
RoleIds = Annotated[tuple[Id, ...], Field(max_length=200), AfterValidator(_once)]


class NewAccessRole(Schema):
    """A role to be made: what it allows, and which roles its holders may give away."""

    name: ShortLine
    description: Lines = ""
    permissions: Permissions = ()
    managed_role_ids: RoleIds = ()


class AccessRoleChanges(Schema):
    """What may be changed of a role. `version` is the one that the person started from."""

    name: ShortLine = Unsent
    description: Lines = Unsent
    permissions: Permissions = Unsent
    managed_role_ids: RoleIds = Unsent
    version: Version | None = None


class AccessRoleOut(Schema):
    """A role in JSON."""

    id: Id
    key: str
    name: str
    description: str
    is_shipped: bool
    manages_every_role: bool
    managed_role_ids: list[Id]
    permissions: list[str]
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, role: Any) -> AccessRoleOut:
        """The role as a row has it."""
        return cls.model_validate(role, from_attributes=True)


class AccessPermissionOut(Schema):
    """Something that a role can allow, in JSON."""

    permission: str
    kind: str
    description: str
