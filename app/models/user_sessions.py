"""Browser sessions: kept here, so that they can be ended; of the cookie only a hash is stored."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, LargeBinary, Table
from sqlalchemy.dialects.postgresql import INET
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
    signed_in_at: Mapped[datetime] = mapped_column(default=clock.now)  # last proved to be there: at sign-in, or since
    expires_at: Mapped[datetime]
    ip_network: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]


password_resets = Table(
    "password_resets",
    Base.metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    info={"unrecorded": "asking for a reset and using it record themselves"},
)

known_devices = Table(
    "known_devices",
    Base.metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    info={"unrecorded": "a convenience: whose guesses are counted apart"},
)
