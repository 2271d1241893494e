"""Have outputs certified: request, judge and freeze under a number, revoke. Signing is in certification_signing.py.

Every step finds out where its certification stands, and does nothing where its work is done already.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.commands.tasks import live_task
from app.core import audit, clock, sealing
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record, subject_of
from app.core.certification_log import log_event, logged_since
from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.failpoints import failpoint
from app.core.ids import new_id
from app.core.outbox import enqueue
from app.core.permissions import expect_version, fetch, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.certifications import Certification, LlmOutput, LlmOutputVersion, certification_counters
from app.models.governance_policies import GovernancePolicy
from app.queries.certification_proofs import PLACE_OF_CONTENT, opened_output, policy_of
from app.queries.certifications import newer_version
from app.schemas.certifications import NewCertification, Revocation
from runcible.canonical import canonical_json
from runcible.certification import numbers, statement
from runcible.errors import ContentInvalid
from runcible.governance import policy_engine
from runcible.records import Context, Output

SIGNER_QUEUE = "signer"
SAME_VIEW = timedelta(minutes=15)  # a person who reloads a page has not read it again


@command
def request_certification(actor: Actor, new: NewCertification) -> Certification:
    """Ask for an output to be certified. The answer is `pending`; the verdict follows within moments.

    Raises Invalid for content that cannot be hashed, a policy that is not there or a parent of another task, NotFound
    for a task that is not there, Conflict for a parent that is undecided or has a newer version already.
    """
    task = live_task(actor, new.task_id, "task.view") if new.task_id is not None else None
    require(actor, "certification.create", *((task.program_id, task.id) if task else ()))
    output, context = _judgeable(new)
    policy = _active_policy(actor, new.governance_policy_id)
    parent = _parent(actor, new)
    certification = Certification(
        id=new_id(),
        application_instance_id=actor.tenant_id,
        llm_output_id=parent.llm_output_id if parent else _new_output(actor, new.task_id),
        task_id=parent.task_id if parent else new.task_id,
        llm_provider=new.llm_provider,
        model_name=new.model_name,
        input_hash=context.input_digest,
        output_hash=output.digest,
        output_content={},
        governance_policy_id=policy.id,
        policy_version_id=policy.active_version_id,
        requested_by_user_id=actor.user_id,
        supersedes_id=parent.id if parent else None,
    )
    certification.output_content = _sealed(certification, output)
    db.session.add(certification)
    db.session.flush()
    _keep_version(actor, certification, new, parent)
    happened(actor, certification, "created", {"output_hash": output.digest, "input_hash": context.input_digest})
    enqueue(actor, "certifications.judge", certification.id)
    return certification


@command
def judge_certification(actor: Actor, certification_id: UUID) -> Certification:
    """Judge a pending output under its policy, and freeze the statement under the next number. Twice is once."""
    certification = fetch(actor, Certification, certification_id, "certification.decide", lock=True)
    if certification.certification_status not in ("pending", "failed") or certification.payload is not None:
        return certification
    output, policy = opened_output(certification), policy_of(certification)
    if output is None:
        raise Conflict(phrase("The content was erased before it could be judged."))
    context = Context(
        provider=certification.llm_provider or "",
        model=certification.model_name or "",
        input_hash=certification.input_hash,
    )
    evaluation = policy_engine.evaluate(policy, output, context)
    issued_at = clock.now()
    number = _next_number(issued_at)
    payload = statement.build(
        certification_id=str(certification.id),
        number=number,
        issuer=statement.Issuer(str(actor.tenant_id), actor.tenant.name, actor.tenant.slug),
        requested_by=_requester(certification),
        task_id=str(certification.task_id) if certification.task_id else None,
        output=output,
        context=context,
        policy=policy,
        evaluation=evaluation,
        issued_at=issued_at,
        supersedes=_number_of(certification.supersedes_id),
    )
    certification.freeze(
        number=number,
        payload=payload,
        action_state=evaluation.action_state,
        expires_at=statement.Statement.read(payload).expires_at,
    )
    happened(
        actor, certification, "judged", {"number": number, "decision": evaluation.decision, "policy": policy.digest}
    )
    enqueue(actor, "certifications.sign", certification.id, queue=SIGNER_QUEUE)
    failpoint("certification.frozen")
    return certification


@command
def supersede_certification(actor: Actor, newer_id: UUID) -> None:
    """Let a newly certified version take the place of the one before it. Twice is once."""
    newer = fetch(actor, Certification, newer_id, "certification.decide")
    if newer.supersedes_id is None:
        return
    older = fetch(actor, Certification, newer.supersedes_id, "certification.decide", lock=True)
    if older.supersede(by=newer.id):
        happened(actor, older, "superseded", {"by": newer.certification_number})
        enqueue(actor, "certifications.seal", older.id, queue=SIGNER_QUEUE)


@command
def revoke_certification(
    actor: Actor, certification_id: UUID, revocation: Revocation, *, version: int | None = None
) -> Certification:
    """Take a certificate back. Raises Conflict where there is none to take back. Revoking twice is revoking once."""
    certification = fetch(actor, Certification, certification_id, "certification.revoke", lock=True)
    expect_version(certification, version)
    if certification.revoke(by=actor.user_id, at=clock.now(), reason=revocation.reason):
        happened(actor, certification, "revoked", {})
        enqueue(actor, "certifications.seal", certification.id, queue=SIGNER_QUEUE)
    return certification


@command
def fail_certification(actor: Actor, certification_id: UUID, reason: str) -> None:
    """Say that a certification could not be completed for a technical reason. This is no verdict; it can be retried."""
    certification = fetch(actor, Certification, certification_id, "certification.decide", lock=True)
    if certification.certification_status in ("pending", "validating"):
        certification.certification_status, certification.failure_reason = "failed", reason[:500]
        happened(actor, certification, "failed", {})


@command
def retry_certification(actor: Actor, certification_id: UUID, *, version: int | None = None) -> Certification:
    """Try again to complete a certification that failed for a technical reason. Raises Conflict for any other."""
    certification = fetch(actor, Certification, certification_id, "certification.create", lock=True)
    expect_version(certification, version)
    if certification.certification_status != "failed":
        raise Conflict(phrase("Only a certification that failed can be tried again."))
    frozen = certification.payload is not None
    certification.certification_status, certification.failure_reason = ("validating" if frozen else "pending"), None
    happened(actor, certification, "retried", {})
    job, queue = ("certifications.sign", SIGNER_QUEUE) if frozen else ("certifications.judge", "default")
    enqueue(actor, job, certification.id, queue=queue)
    return certification


@command
def note_reading(actor: Actor, certification_id: UUID, event: str = "viewed") -> None:
    """Write down that somebody read certified content: once for each person in a quarter of an hour."""
    certification = fetch(actor, Certification, certification_id, "certification.view")
    since = clock.now() - SAME_VIEW
    if logged_since(actor, certification, event, since):
        return
    certification = fetch(actor, Certification, certification_id, "certification.view", lock=True)
    if not logged_since(actor, certification, event, since):  # nobody was faster while the row was waited for
        happened(actor, certification, event, {}, visible=False)


@command
def note_custody_reading(actor: Actor, certification_id: UUID) -> None:
    """Write down that somebody read the chain of custody: once for each person in a quarter of an hour."""
    certification = fetch(actor, Certification, certification_id, "certification.view")
    audit.note_reading(actor, "certification.custody_viewed", certification)


def happened(
    actor: Actor, certification: Certification, event: str, data: dict[str, Any], *, visible: bool = True
) -> None:
    """Flush, record, log in the chain of custody, and tell open pages."""
    db.session.flush()
    custody = log_event(actor, certification, event, data)
    record(actor, f"certification.{event}", certification, facts={"custody": custody})
    if visible:
        announce(certification, "created" if event == "created" else "updated")


def _judgeable(new: NewCertification) -> tuple[Output, Context]:
    if new.input is None and new.input_hash is None:
        raise Invalid({"input": phrase("Give the input, or its SHA-256.")})
    try:
        output = new.output()
    except ContentInvalid as refused:
        raise Invalid({"output_content": "; ".join(f"{e.field} {e.message}" for e in refused.fields)}) from None
    try:
        context = Context(
            provider=new.llm_provider, model=new.model_name, input_text=new.input, input_hash=new.input_hash
        )
        return output, context
    except ContentInvalid as refused:
        raise Invalid({"input_hash": "; ".join(e.message for e in refused.fields)}) from None


def _active_policy(actor: Actor, policy_id: UUID) -> GovernancePolicy:
    policy = db.session.scalar(
        select(GovernancePolicy).where(
            GovernancePolicy.id == policy_id,
            GovernancePolicy.application_instance_id == actor.tenant_id,
            GovernancePolicy.is_active,
            GovernancePolicy.active_version_id.is_not(None),
        )
    )
    if policy is None:
        raise Invalid({"governance_policy_id": phrase("There is no active policy with this id.")})
    return policy


def _parent(actor: Actor, new: NewCertification) -> Certification | None:
    """The certification whose output is corrected: decided, and not corrected already."""
    if new.parent_certification_id is None:
        return None
    try:
        parent = fetch(actor, Certification, new.parent_certification_id, "certification.create", lock=True)
    except NotFound:
        raise Invalid({"parent_certification_id": phrase("There is no certification with this id.")}) from None
    if new.task_id not in (None, parent.task_id):
        raise Invalid({"parent_certification_id": phrase("This certification belongs to another task.")})
    if not parent.is_decided:
        raise Conflict(phrase("The version before this one has no verdict yet. Wait for it."))
    if newer_version(actor, parent) is not None:
        raise Conflict(phrase("There is a newer version of this output already. Correct that one."))
    return parent


def _new_output(actor: Actor, task_id: UUID | None) -> UUID:
    output = LlmOutput(id=new_id(), application_instance_id=actor.tenant_id, task_id=task_id)
    db.session.add(output)
    db.session.flush()
    return output.id


def _sealed(certification: Certification, output: Output) -> dict[str, Any]:
    key = sealing.key(certification.application_instance_id, subject_of(certification))
    return {"sealed": key.seal(PLACE_OF_CONTENT, canonical_json(output.document).decode())}


def _keep_version(
    actor: Actor, certification: Certification, new: NewCertification, parent: Certification | None
) -> None:
    newest = db.session.scalar(
        select(func.max(LlmOutputVersion.version_number)).where(
            LlmOutputVersion.llm_output_id == certification.llm_output_id
        )
    )
    db.session.add(
        LlmOutputVersion(
            application_instance_id=actor.tenant_id,
            llm_output_id=certification.llm_output_id,
            certification_id=certification.id,
            parent_certification_id=parent.id if parent else None,
            version_number=(newest or 0) + 1,
            output_content=certification.output_content,
            change_summary=new.change_summary,
            created_by_user_id=actor.user_id,
        )
    )


def _requester(certification: Certification) -> str:
    """Who asked, as the statement says it: by number, since nothing in it can ever be erased."""
    by = certification.requested_by_user_id
    return "system" if by is None else f"user:{by}"


def _next_number(at: datetime) -> str:
    """The next certification number of the year. Its row is held to the end of the transaction: no gap, no double."""
    sequence = db.session.scalar(
        insert(certification_counters)
        .values(year=at.year, last_number=1)
        .on_conflict_do_update(index_elements=["year"], set_={"last_number": certification_counters.c.last_number + 1})
        .returning(certification_counters.c.last_number)
    )
    assert sequence is not None
    return numbers.format_number(at.year, sequence)


def _number_of(certification_id: UUID | None) -> str | None:
    return db.session.scalar(select(Certification.certification_number).where(Certification.id == certification_id))
