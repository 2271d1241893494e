"""Groups, as they come in and go out."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, Lines, PersonId, ShortLine, Unsent, Version


class NewUserGroup(Schema):
    """A group to be made. Nobody is in it yet."""

    name: ShortLine
    description: Lines = ""


class UserGroupChanges(Schema):
    """What may be changed of a group. `version` is the one that the person started from."""

    name: ShortLine = Unsent
    description: Lines = Unsent
    version: Version | None = None


class NewUserGroupMember(Schema):
    """A person to be put into a group, or a group whose people are all to be in it."""

    user_id: PersonId | None = None
    member_group_id: Id | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> NewUserGroupMember:
        if (self.user_id is None) == (self.member_group_id is None):
            raise ValueError(phrase("Say either a person or a group."))
        return self


class UserGroupOut(Schema):
    """A group in JSON."""

    id: Id
    name: str
    description: str
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, group: Any) -> UserGroupOut:
        """The group as a row or a model has it."""
        return cls.model_validate(group, from_attributes=True)


class UserGroupMemberOut(Schema):
    """Who is in a group, in JSON."""

    id: Id
    user_group_id: Id
    user_id: int | None
    member_group_id: Id | None
    created_at: Instant

    @classmethod
    def of(cls, member: Any) -> UserGroupMemberOut:
        """The membership as a row or a model has it."""
        return cls.model_validate(member, from_attributes=True)
