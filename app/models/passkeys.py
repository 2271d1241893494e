"""Passkeys: a key pair for this site alone, in a device of the person (W3C Web Authentication)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model
from app.core.ids import new_id
from app.core.phrases import phrase


class Passkey(Model):
    """The public half of a passkey, by the name that its owner gave it."""

    __tablename__ = "passkeys"
    kind = "passkey"
    refusals = {"passkeys_credential_is_unique": ("_", phrase("This passkey is registered already."))}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    user_handle: Mapped[bytes]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    sign_count: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]
    suspected_at: Mapped[datetime | None]  # its counter went back: there may be a copy of it

    @property
    def is_suspected(self) -> bool:
        """Whether nobody is let in by it any more."""
        return self.suspected_at is not None

    def answered(self, *, sign_count: int, at: datetime) -> bool:
        """Take a right answer. Returns whether it lets somebody in: never again once the counter has gone back.

        A counter that stays 0 is that of a passkey which lies in several devices of one person.
        """
        went_back = sign_count <= self.sign_count and (sign_count, self.sign_count) != (0, 0)
        if went_back and self.suspected_at is None:
            self.suspected_at = at
        if self.suspected_at is not None:
            return False
        self.sign_count, self.last_used_at = sign_count, at
        return True
