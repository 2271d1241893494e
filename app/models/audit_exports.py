"""Exports of the audit trail: what was asked for, how far it is, and until when it can be fetched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, LargeBinary, String, Table, func
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Base, Model, TenantOwned

LASTS = timedelta(hours=24)
KEPT = timedelta(hours=36)  # each part, from when it was written: app/jobs/clock.py
FETCHED_WITHIN = timedelta(hours=1)  # of a file that somebody has begun to fetch, no part is cleared away


class AuditExport(TenantOwned, Model):
    """An export, for the person who asked for it. `sight` is what that person might see when asking."""

    __tablename__ = "audit_exports"
    kind = "audit_export"
    seen_with = "audit_event.export"
    audited = ("format", "filters", "state", "rows_done")

    requested_by_user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    format: Mapped[str] = mapped_column(String(10))
    filters: Mapped[dict[str, Any]]
    sight: Mapped[list[str]] = mapped_column(JSONB)
    snapshot: Mapped[str]  # what was committed when it was asked for, as PostgreSQL writes it
    state: Mapped[str] = mapped_column(String(10), default="pending")
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int] = mapped_column(default=0)
    last_moment: Mapped[datetime | None]
    last_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    def state_at(self, moment: datetime) -> str:
        """The state, also after its time, whenever the clock comes to clear its content away."""
        return "expired" if self.expires_at is not None and moment >= self.expires_at else self.state

    def add(self, rows: list[Any]) -> None:
        """Note that these rows are in a further part."""
        self.state, self.parts, self.rows_done = "running", self.parts + 1, self.rows_done + len(rows)
        if rows:
            self.last_moment, self.last_id = rows[-1].created_at, rows[-1].id

    def finish(self, at: datetime, *, kept_until: datetime) -> None:
        """It is whole: from now on it can be fetched, for a while, and as long as all of it is kept."""
        self.state, self.ready_at, self.rows_total = "ready", at, self.rows_done
        self.expires_at = min(at + LASTS, kept_until)


audit_export_parts = Table(
    "audit_export_parts",
    Base.metadata,
    Column("application_instance_id", UUID, primary_key=True),
    Column("audit_export_id", UUID, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    info={"unrecorded": "parts of an export, which records itself"},
)
