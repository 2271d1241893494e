"""Invitations, as they come in and go out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.parsing import Schema
from app.schemas.accounts import NewPassword
from app.schemas.fields import Id, Instant, Line
from app.schemas.tenants import Email


class NewInvitation(Schema):
    """Whom to invite, and the role that waits for them."""

    email: Email
    access_role_id: UUID


class NewAccount(Schema):
    """What somebody says of themselves who has no account yet."""

    name: Line
    password: NewPassword


class InvitationOut(Schema):
    """An invitation that waits, in JSON. The token is in the mail, and nowhere else."""

    id: Id
    email: str
    access_role_id: Id
    expires_at: Instant
    created_at: Instant

    @classmethod
    def of(cls, invitation: Any) -> InvitationOut:
        """The invitation as the model or the list has it."""
        return cls.model_validate(invitation, from_attributes=True)
