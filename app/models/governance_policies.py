"""Governance policies, and the versions that hold what they say."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned


class GovernancePolicy(TenantOwned, Model):
    """A policy under which outputs are judged. What it says is in its active version."""

    __tablename__ = "governance_policies"
    __table_args__ = {"schema": "runcible"}
    kind = "policy"
    audited = ("key", "name", "description", "is_active", "active_version_id")

    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    active_version_id: Mapped[uuid.UUID | None]
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class GovernancePolicyVersion(TenantOwned, Model):
    """One version of a policy: numbered, addressed by its digest, never changed."""

    __tablename__ = "governance_policy_versions"
    __table_args__ = {"schema": "runcible"}
    kind = "policy_version"
    audited = ("governance_policy_id", "number", "digest")

    governance_policy_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.governance_policies.id"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    policy_rules: Mapped[dict[str, Any]]
    compliance_requirements: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
