"""Pictures of people: one each, made small and sealed under a key of its own."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, sealing
from app.core.database import Model
from app.core.ids import new_secret_id

_PLACE = "user_avatars.sealed_image"


class UserAvatar(Model):
    """The picture of a person. It belongs to no organisation; with its row goes the key, and nobody reads it again.

    `id` is in the address of the picture: another picture has another one, so that a browser may keep what it has.
    """

    __tablename__ = "user_avatars"
    __table_args__ = {"info": {"unrecorded": "putting it there and taking it away record themselves"}}

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    id: Mapped[uuid.UUID]
    wrapped_key: Mapped[bytes]
    sealed_image: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def sealed(cls, user_id: int, image: bytes) -> UserAvatar:
        """A picture under a new id and a new key."""
        avatar_id = new_secret_id()
        key, wrapped = sealing.create_loose_key(f"avatar:{avatar_id}")
        sealed = key.seal_bytes(_PLACE, image)
        return cls(user_id=user_id, id=avatar_id, wrapped_key=wrapped, sealed_image=sealed)

    def opened(self) -> bytes:
        """The picture itself, as WebP. Raises SealBroken."""
        return sealing.open_loose_key(f"avatar:{self.id}", self.wrapped_key).open_bytes(_PLACE, self.sealed_image)
