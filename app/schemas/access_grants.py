"""Grants of roles, as they come in and go out."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, PersonId


class NewAccessGrant(Schema):
    """A role for a person or a group: throughout the organisation, or in one program or on one task."""

    access_role_id: Id
    user_id: PersonId | None = None
    user_group_id: Id | None = None
    program_id: Id | None = None
    task_id: Id | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> NewAccessGrant:
        if (self.user_id is None) == (self.user_group_id is None):
            raise ValueError(phrase("Say either a person or a group."))
        if self.program_id is not None and self.task_id is not None:
            raise ValueError(phrase("Say either a program or a task, or neither for the whole organisation."))
        return self


class AccessGrantOut(Schema):
    """A grant in JSON."""

    id: Id
    access_role_id: Id
    user_id: int | None
    user_group_id: Id | None
    program_id: Id | None
    task_id: Id | None
    granted_by_user_id: int | None
    created_at: Instant

    @classmethod
    def of(cls, grant: Any) -> AccessGrantOut:
        """The grant as a row or a model has it."""
        return cls.model_validate(grant, from_attributes=True)
