"""Governance policies: those that ship with Oversing become rows of each organisation."""

from __future__ import annotations

from functools import cache
from typing import Any

from app.core.actor import Actor
from app.core.audit import record
from app.core.database import db
from app.core.ids import new_id
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion
from runcible.governance import packs, policy_documents


def ship_policies(actor: Actor) -> None:
    """Give a new organisation every shipped policy, each as its first version, active."""
    shipped = [(_policy(actor, key, pack), pack) for key, pack in _packs().items()]
    db.session.add_all(policy for policy, _pack in shipped)
    db.session.flush()
    versions = [_first_version(policy, pack) for policy, pack in shipped]
    db.session.add_all(versions)
    db.session.flush()
    for (policy, _pack), version in zip(shipped, versions, strict=True):
        policy.active_version_id = version.id
    db.session.flush()
    for policy, _pack in shipped:
        record(actor, "policy.created", policy)


@cache
def _packs() -> dict[str, dict[str, Any]]:
    """What ships, by its key: read and checked once, as no organisation's copy differs from another's."""
    read = {key: packs.read(key) for key in packs.names()}
    return {
        key: pack | {"digest": policy_documents.check(pack["policy_rules"], pack["compliance_requirements"])}
        for key, pack in read.items()
    }


def _policy(actor: Actor, key: str, pack: dict[str, Any]) -> GovernancePolicy:
    return GovernancePolicy(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        key=key,
        name=pack["title"],
        description=pack["description"],
    )


def _first_version(policy: GovernancePolicy, pack: dict[str, Any]) -> GovernancePolicyVersion:
    return GovernancePolicyVersion(
        id=new_id(),
        application_instance_id=policy.application_instance_id,
        governance_policy_id=policy.id,
        number=1,
        **{name: pack[name] for name in ("policy_rules", "compliance_requirements", "digest")},
    )
