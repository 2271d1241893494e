"""The jobs that bring a certification from its request to its verdict."""

from __future__ import annotations

from uuid import UUID

from app.adapters.time_stamping import authority
from app.commands import certification_signing as signing
from app.commands import certifications as commands
from app.core import clock
from app.core.actor import Actor
from app.core.database import finish_reading
from app.core.failpoints import failpoint
from app.jobs.key_ring import key_ring
from app.queries.certifications import get_certification
from app.queries.trust import trust_root
from runcible.certification import dsse, timestamps


def judge(actor: Actor, certification_id: UUID) -> None:
    """Judge a pending output and freeze the statement."""
    commands.judge_certification(actor, certification_id)


def sign(actor: Actor, certification_id: UUID) -> None:
    """Sign a frozen statement, have the signature time-stamped, and give the verdict. Each step is kept by itself."""
    certification = get_certification(actor, certification_id)
    finish_reading()  # nothing in the database waits for a signature, or for somebody else's clock
    if certification.certification_status != "validating" or certification.payload is None:
        return
    signer = key_ring().signer
    if certification.dsse_envelope is None:
        envelope = signer.sign(certification.payload)
        certification = signing.keep_signature(actor, certification_id, envelope, signer.algorithms[0])
        failpoint("certification.signed")
    if certification.timestamp_token is None:
        signed = dsse.Envelope.from_document(certification.dsse_envelope).signatures[0].sig
        stamped = timestamps.obtain(signed, ask=authority(key_ring()), trust_root=trust_root(), clock=clock.now)
        signing.keep_timestamp(actor, certification_id, stamped)
        failpoint("certification.stamped")
    signing.decide_certification(actor, certification_id, signer.seal)


def seal(actor: Actor, certification_id: UUID) -> None:
    """Put a changed status under a new seal."""
    signing.reseal_certification(actor, certification_id, key_ring().signer.seal)


def supersede(actor: Actor, certification_id: UUID) -> None:
    """Let a newly certified version take its predecessor's place."""
    commands.supersede_certification(actor, certification_id)


def give_up(actor: Actor, certification_id: UUID, reason: str) -> None:
    """Say that it could not be completed. It can be tried again."""
    commands.fail_certification(actor, certification_id, reason)
