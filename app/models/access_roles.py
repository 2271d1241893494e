"""Roles: named sets of permissions. Permissions themselves are code (app/core/roles.py)."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model, TenantOwned, Versioned
from app.core.phrases import phrase


class AccessRole(TenantOwned, Versioned, Model):
    """A role as one organisation has it. Who holds it may give away the roles that it manages, and no others."""

    __tablename__ = "access_roles"
    kind = "access_role"
    audited = ("key", "name", "description", "manages_every_role", "managed_role_ids")
    refusals = {
        "access_roles_application_instance_id_key_key": ("name", phrase("There is a role with this name already."))
    }

    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(default="")
    is_shipped: Mapped[bool] = mapped_column(default=False)
    manages_every_role: Mapped[bool] = mapped_column(default=False)
    managed_role_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), default=list)


class AccessPermission(Model):
    """One permission of one role."""

    __tablename__ = "access_permissions"

    application_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application_instances.id"), primary_key=True)
    access_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_roles.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
