"""Governance policies: those that ship with Oversing become rows of each organisation."""

from __future__ import annotations

from app.core.actor import Actor
from app.core.audit import record
from app.core.database import db
from app.core.ids import new_id
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion
from app.queries.certification_proofs import policy_document
from runcible.governance import packs
from runcible.governance.policy_documents import Policy


def ship_policies(actor: Actor) -> None:
    """Give a new organisation every shipped policy, each as its first version, active."""
    for key in packs.names():
        _ship(actor, key)


def _ship(actor: Actor, key: str) -> None:
    pack = packs.read(key)
    policy = GovernancePolicy(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        key=key,
        name=pack["title"],
        description=pack["description"],
    )
    db.session.add(policy)
    db.session.flush()
    content = {name: pack[name] for name in ("policy_rules", "compliance_requirements")}
    version = GovernancePolicyVersion(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        governance_policy_id=policy.id,
        number=1,
        digest=Policy.load(policy_document(policy, 1, content)).digest,
        **content,
    )
    db.session.add(version)
    db.session.flush()
    policy.active_version_id = version.id
    db.session.flush()
    record(actor, "policy.created", policy)
