"""Groups of people, and of other groups."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned, Versioned
from app.core.phrases import phrase


class UserGroup(TenantOwned, Versioned, Model):
    """People who are given roles together."""

    __tablename__ = "user_groups"
    kind = "user_group"
    audited = ("name", "description")
    refusals = {"user_groups_name_is_unique": ("name", phrase("Another group has this name."))}

    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(default="")


class UserGroupMember(TenantOwned, Model):
    """A person in a group, or a group whose members are all in it. No group comes to lie in itself."""

    __tablename__ = "user_group_members"
    kind = "user_group_member"
    audited = ("user_group_id", "user_id", "member_group_id")
    refusals = {
        "user_groups_have_no_cycle": (
            "member_group_id",
            phrase("A group cannot lie in itself, nor in one that lies in it."),
        ),
        "user_group_members_are_unique": ("_", phrase("They are in this group already.")),
    }

    user_group_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_groups.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    member_group_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_groups.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
