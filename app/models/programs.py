"""Programs: what tasks are gathered in."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Deletable, Model, TenantOwned, Versioned


class Program(TenantOwned, Versioned, Deletable, Model):
    """A stream of work with tasks numbered under its key: OPS-1, OPS-2."""

    __tablename__ = "programs"
    kind = "program"
    audited = ("key", "name", "description", "deleted_at")
    sealed = ("description",)
    refusals = {"programs_key_is_unique": ("key", "Another program has this key, perhaps one in the trash.")}

    key: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    last_task_number: Mapped[int] = mapped_column(default=0)
