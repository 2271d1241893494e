"""Invitations: a way into an organisation for whoever reads the mail to one address, once and for seven days."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.phrases import phrase
from app.core.sealed_fields import sealed_in_trail


def hash_of(token: str) -> bytes:
    """What is stored of a token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


class Invitation(TenantOwned, Model):
    """An address that somebody has invited, with the role that waits for it. Of the token only a hash is kept."""

    __tablename__ = "invitations"
    kind = "invitation"
    seen_with = "user.view"
    audited = ("email", "access_role_id", "expires_at", "withdrawn_at", "accepted_at")
    sealed = sealed_in_trail(__tablename__)
    refusals = {"invitations_wait_once": ("email", phrase("This address has been invited already."))}

    email: Mapped[str] = mapped_column(String(254))
    access_role_id: Mapped[uuid.UUID | None]  # none where it is over, and the role was deleted since
    former_role_name: Mapped[str | None] = mapped_column(String(100))  # what that role was called
    invited_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    token_hash: Mapped[bytes]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.withdrawn_at is None and at < self.expires_at
