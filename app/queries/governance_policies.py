"""Governance policies with the content of their active versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from app.core.actor import Actor
from app.core.database import db
from app.core.errors import NotFound
from app.core.permissions import require_somewhere
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion


def active_policies(actor: Actor) -> list[Any]:
    """The policies that outputs can be certified under, by name."""
    require_somewhere(actor, "policy.view")
    query = _policies(actor).where(GovernancePolicy.is_active).order_by(GovernancePolicy.name)
    return list(db.session.execute(query))


def get_policy(actor: Actor, policy_id: UUID) -> Any:
    """One policy. Raises NotFound."""
    require_somewhere(actor, "policy.view")
    row = db.session.execute(_policies(actor).where(GovernancePolicy.id == policy_id)).first()
    if row is None:
        raise NotFound
    return row


def _policies(actor: Actor) -> Select[Any]:
    return (
        select(
            GovernancePolicy.id,
            GovernancePolicy.key,
            GovernancePolicy.name,
            GovernancePolicy.description,
            GovernancePolicy.is_active,
            GovernancePolicyVersion.number.label("version"),
            GovernancePolicyVersion.number.label("version_number"),
            GovernancePolicyVersion.digest,
            GovernancePolicyVersion.policy_rules,
            GovernancePolicyVersion.compliance_requirements,
            GovernancePolicy.created_at,
            GovernancePolicy.updated_at,
        )
        .join(GovernancePolicyVersion, GovernancePolicyVersion.id == GovernancePolicy.active_version_id)
        .where(GovernancePolicy.application_instance_id == actor.tenant_id)
    )
