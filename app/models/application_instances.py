"""Organisations, and who belongs to them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, Versioned
from app.core.ids import new_id
from app.core.phrases import phrase


class ApplicationInstance(Versioned, Model):
    """One organisation: a tenant. Everything it owns carries its id."""

    __tablename__ = "application_instances"
    kind = "application_instance"
    audited = (
        *("slug", "name", "api_origins", "suspended_at"),
        *("locale", "time_zone", "working_days", "currency", "closes_at", "closed_at"),
        *("session_idle_minutes", "session_hours"),
    )
    refusals = {"application_instances_slug_is_unique": ("slug", phrase("Another organisation has this short name."))}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(200))
    api_origins: Mapped[list[str]] = mapped_column(ARRAY(String(255)), default=list)  # pages that may call its API
    locale: Mapped[str] = mapped_column(String(20), default="en-GB")
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    working_days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), default=lambda: [1, 2, 3, 4, 5])  # ISO 8601
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    session_idle_minutes: Mapped[int] = mapped_column(SmallInteger, default=8 * 60)  # unused, a browser is signed out
    session_hours: Mapped[int] = mapped_column(SmallInteger, default=7 * 24)  # used or not
    suspended_at: Mapped[datetime | None]  # nobody works in it, and its jobs wait
    closes_at: Mapped[datetime | None]  # until then it can be kept
    closing_reminded_at: Mapped[datetime | None]  # when its owners were told that it closes in a few days
    closed_at: Mapped[datetime | None]  # nobody enters it any more, and its key is destroyed

    @property
    def application_instance_id(self) -> uuid.UUID:
        """It belongs to itself."""
        return self.id


class ApplicationInstanceUser(Model):
    """A person's belonging to an organisation."""

    __tablename__ = "application_instance_users"

    application_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application_instances.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    deactivated_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
