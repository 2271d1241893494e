"""Browser sessions: kept here, so that they can be ended; of the cookie only a hash is stored."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Integer, LargeBinary, Table
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Base, Model
from app.core.ids import new_secret_id


class UserSession(Model):
    """One browser in which somebody is, or is about to be, signed in."""

    __tablename__ = "user_sessions"
    __table_args__ = {"info": {"unrecorded": "signing in and out record themselves"}}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_secret_id)
    token_hash: Mapped[bytes]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]


sign_in_attempts = Table(
    "sign_in_attempts",
    Base.metadata,
    Column("subject_hash", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("window_ends_at", DateTime(timezone=True), nullable=False),
    info={"unrecorded": "a counter of guesses"},
)
