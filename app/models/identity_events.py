"""What became of somebody's ways of signing in: for the person, and for nobody else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model


class IdentityEvent(Model):
    """One thing that happened to a person as such, in no organisation. The database lets nobody change it."""

    __tablename__ = "identity_events"
    __table_args__ = {"info": {"unrecorded": "it is the record"}}

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    event_type: Mapped[str]
    ip_network: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    salt: Mapped[bytes | None]  # keeps the digest that the audit trail holds of this row from being guessed
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
