"""People. One person may belong to several organisations."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model
from app.core.phrases import phrase
from app.core.sealed_fields import sealed_in_trail


class User(Model):
    """A person who can sign in."""

    __tablename__ = "users"
    kind = "user"
    audited = ("email", "name")
    sealed = sealed_in_trail(__tablename__)
    refusals = {"users_email_is_unique": ("email", phrase("Somebody has signed up with this address already."))}

    user_id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None]
    time_zone: Mapped[str | None] = mapped_column(String(64))  # None: that of the organisation, as with the locale
    locale: Mapped[str | None] = mapped_column(String(20))
    avatar_id: Mapped[uuid.UUID | None]  # of the picture, where there is one
    is_shown: Mapped[bool] = mapped_column(default=True)  # to others, as being on the page that they look at
    is_compact: Mapped[bool] = mapped_column(default=False)  # the lines of their pages stand close together
    version: Mapped[int] = mapped_column(Integer, default=1)  # of what people see of the person, and edit
    deactivated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def id(self) -> int:
        """The name that every other row gives to its key."""
        return self.user_id

    @property
    def may_sign_in(self) -> bool:
        """Whether this person is still with us."""
        return self.deactivated_at is None
