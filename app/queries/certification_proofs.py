"""What a certification consists of for those who check it: content, policy, parts and bundle."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import select

from app.core import clock, sealing
from app.core.audit import subject_of
from app.core.database import db
from app.core.errors import Conflict
from app.core.phrases import phrase
from app.models.certifications import Certification
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion
from app.queries.trust import trust_root
from runcible.certification import bundle, dsse
from runcible.certification.report import Report
from runcible.certification.verifier import verify_bundle
from runcible.governance.policy_documents import Policy
from runcible.records import Output

PLACE_OF_CONTENT = "certifications.output_content"


def opened_output(certification: Certification) -> Output | None:
    """The certified content, or None once it was erased."""
    key = sealing.key(certification.application_instance_id, subject_of(certification))
    text = key.open(PLACE_OF_CONTENT, certification.output_content["sealed"])
    return None if text is None else Output.from_document(json.loads(text))


def policy_of(certification: Certification) -> Policy:
    """The policy version that the certification is judged by."""
    version, policy = db.session.execute(
        select(GovernancePolicyVersion, GovernancePolicy)
        .join(GovernancePolicy, GovernancePolicy.id == GovernancePolicyVersion.governance_policy_id)
        .where(GovernancePolicyVersion.id == certification.policy_version_id)
    ).one()
    content = {"policy_rules": version.policy_rules, "compliance_requirements": version.compliance_requirements}
    return Policy.load(policy_document(policy, version.number, content))


def policy_document(policy: GovernancePolicy, number: int, content: dict[str, object]) -> dict[str, object]:
    """A policy version as runcible judges by it: which it is, and what it says."""
    return {"id": str(policy.id), "name": policy.key, "version": number, **content}


def present_status(certification: Certification, at: datetime) -> bundle.Status:
    """The status of the certification as a bundle tells it at the moment `at`."""
    return bundle.Status(
        certification_status=certification.certification_status,
        as_of=at,
        reason=certification.revocation_reason,
        effective_at=certification.revoked_at,
        superseded_by=_number_of_successor(certification),
    )


def parts_of(certification: Certification) -> bundle.Parts:
    """What a seal covers. Only for a certification that is signed and has a status snapshot."""
    assert certification.dsse_envelope is not None
    assert certification.status_snapshot is not None
    return bundle.Parts(
        envelope=dsse.Envelope.from_document(certification.dsse_envelope),
        timestamps=(certification.timestamp_token,) if certification.timestamp_token else (),
        policy=policy_of(certification),
        trust_root=trust_root(),
        status=bundle.Status.from_document(certification.status_snapshot),
    )


def seal_is_current(certification: Certification) -> bool:
    """Whether the sealed snapshot tells the present status."""
    snapshot = certification.status_snapshot
    return snapshot is not None and snapshot["certification_status"] == certification.certification_status


def bundle_of(certification: Certification) -> bytes:
    """The bundle file of a decided certification. Raises Conflict while there is none to give."""
    if not certification.is_decided:
        raise Conflict(phrase("There is no verdict yet, and so no bundle. Try again in a moment."))
    if certification.seal is None or not seal_is_current(certification):
        raise Conflict(phrase("Its new status is being sealed. Try again in a moment."))
    seal = bundle.Seal.from_document(certification.seal)
    return bundle.assemble(parts_of(certification), seal, opened_output(certification))


def verification_of(certification: Certification) -> Report:
    """What a check of the bundle comes to, just now. Raises Conflict while there is no bundle."""
    erased = opened_output(certification) is None
    return verify_bundle(bundle_of(certification), trust_root(), clock.now(), erased=erased)


def _number_of_successor(certification: Certification) -> str | None:
    if certification.superseded_by_id is None:
        return None
    return db.session.scalar(
        select(Certification.certification_number).where(Certification.id == certification.superseded_by_id)
    )
