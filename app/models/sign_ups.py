"""Sign-ups: organisations that somebody has asked for, and that are made once their address is confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class SignUp(Model):
    """What somebody wants, for a day. Of the token in their mail only a hash is kept."""

    __tablename__ = "sign_ups"
    __table_args__ = {"info": {"unrecorded": "the organisation that comes of it records itself"}}

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(200))
    owner_name: Mapped[str] = mapped_column(String(200))
    owner_email: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str]
    expires_at: Mapped[datetime]
