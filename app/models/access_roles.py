"""Roles: named sets of permissions, granted to people. Permissions themselves are code (app/core/permissions.py)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned


class AccessRole(TenantOwned, Model):
    """A role as one organisation has it."""

    __tablename__ = "access_roles"
    kind = "access_role"
    audited = ("key", "name")

    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class AccessPermission(Model):
    """One permission of one role."""

    __tablename__ = "access_permissions"

    application_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application_instances.id"), primary_key=True)
    access_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_roles.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)


class AccessGrant(TenantOwned, Model):
    """A role granted to a person."""

    __tablename__ = "access_grants"
    kind = "access_grant"
    audited = ("access_role_id", "user_id")

    access_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_roles.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
