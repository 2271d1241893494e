"""Workspaces that somebody has saved: which pages stand beside each other, and how wide."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Integer, String, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model, TenantOwned, Versioned
from app.core.sealed_fields import sealed_in_trail

PRIVATE, SHARED = VISIBILITIES = ("private", "shared")


class Workspace(TenantOwned, Versioned, Model):
    """A layout under a name: its owner's alone, or shared with an organisation, each of whom sees what they may."""

    __tablename__ = "workspaces"
    kind = "workspace"
    audited = ("name", "panels", "widths", "visibility")
    sealed = sealed_in_trail(__tablename__)
    refusals = {"workspaces_name_is_unique": ("name", "You have a workspace of this name.")}

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    name: Mapped[str] = mapped_column(String(100))
    panels: Mapped[list[str]] = mapped_column(ARRAY(String(500)))  # paths in the organisation, from left to right
    widths: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # in per cent; none where all are alike
    visibility: Mapped[str] = mapped_column(String(10))

    @classmethod
    def is_own(cls, user_id: Any) -> ColumnElement[bool]:
        """One's own, or shared with everybody."""
        return or_(cls.user_id == user_id, cls.visibility == SHARED)


class WorkspaceDefault(TenantOwned, Model):
    """The workspace that a person begins with."""

    __tablename__ = "workspace_defaults"
    kind = "workspace_default"
    audited = ("user_id", "workspace_id")

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
