"""Texts that people write together: each update as it came, until the words are saved as a version."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.tenancy import current_tenant_id

UNRECORDED = {"unrecorded": "each save of it is recorded, not each word"}


class SharedText(TenantOwned, Model):
    """The description of a task or program while it is written together.

    It rests on the version that was saved last, `base_version`; `editor_ids` are those who have changed it since.
    """

    __tablename__ = "shared_texts"
    __table_args__ = {"info": UNRECORDED}

    task_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tasks.id"))
    program_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programs.id"))
    base_version: Mapped[int]
    sealed_base: Mapped[bytes]  # the words of that version, to see whether somebody has changed them elsewhere
    last_update: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)  # bytes of all updates
    editor_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    saved_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    saved_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def of(cls, row: Any) -> Any:
        """What finds the text of a task or program."""
        return {"task": cls.task_id, "program": cls.program_id}[row.kind] == row.id


class SharedTextUpdate(Model):
    """One change of a text, sealed; or all of them up to its number, put together."""

    __tablename__ = "shared_text_updates"
    __table_args__ = {"info": UNRECORDED}

    application_instance_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application_instances.id"), primary_key=True, default=current_tenant_id
    )
    shared_text_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shared_texts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]
