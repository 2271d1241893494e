"""Sign what was frozen: in the signer, the only process that can open the keys.

Signing and asking for the time take no transaction; each result is kept by a command of its own, and the first result
that was stored is the one that counts. So a signer that dies at any point, and starts again, yields the same record.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from uuid import UUID

from app.commands.certifications import happened
from app.core import clock
from app.core.actor import Actor
from app.core.failpoints import failpoint
from app.core.outbox import enqueue
from app.core.permissions import fetch
from app.core.transaction import command
from app.models.certifications import Certification
from app.queries.certification_proofs import parts_of, present_status, seal_is_current
from runcible.certification import bundle, dsse, statement, timestamps

SealIt = Callable[[bundle.Parts], bundle.Seal]


@command
def keep_signature(actor: Actor, certification_id: UUID, envelope: dsse.Envelope, algorithm: str) -> Certification:
    """Keep the signatures over the frozen statement. The first that was stored is the one that counts."""
    certification = fetch(actor, Certification, certification_id, "certification.sign", lock=True)
    if certification.dsse_envelope is None:
        certification.dsse_envelope = envelope.document
        certification.signature = base64.b64encode(envelope.signatures[0].sig).decode()
        certification.signature_algorithm = algorithm
        happened(actor, certification, "signed", {"keyids": [made.keyid for made in envelope.signatures]})
    return certification


@command
def keep_timestamp(actor: Actor, certification_id: UUID, stamped: timestamps.Timestamp) -> Certification:
    """Keep the time-stamp over the first signature. The first that was stored is the one that counts."""
    certification = fetch(actor, Certification, certification_id, "certification.sign", lock=True)
    if certification.timestamp_token is None:
        certification.timestamp_token, certification.timestamped_at = stamped.response, stamped.gen_time
        happened(actor, certification, "timestamped", {"authority": stamped.authority})
    return certification


@command
def decide_certification(actor: Actor, certification_id: UUID, seal_it: SealIt) -> Certification:
    """Give the verdict of the signed statement, with the sealed snapshot of that status. Twice is once."""
    certification = fetch(actor, Certification, certification_id, "certification.sign", lock=True)
    if certification.certification_status == "validating":
        signed = statement.Statement.read(certification.payload or b"")
        certification.decide(certified=signed.decision == "certified", at=clock.now())
        _seal(certification, seal_it)
        happened(actor, certification, certification.certification_status, {"action_state": certification.action_state})
        if certification.certified_at is not None and certification.supersedes_id is not None:
            enqueue(actor, "certifications.supersede", certification.id)
        failpoint("certification.before_commit")
    return certification


@command
def reseal_certification(actor: Actor, certification_id: UUID, seal_it: SealIt) -> Certification:
    """Put the present status under a new seal, so that bundles made from now on tell it."""
    certification = fetch(actor, Certification, certification_id, "certification.sign", lock=True)
    if certification.is_decided and not seal_is_current(certification):
        _seal(certification, seal_it)
        happened(actor, certification, "sealed", {"status": certification.certification_status})
    return certification


def _seal(certification: Certification, seal_it: SealIt) -> None:
    """Take a snapshot of the status, and put it and all the rest of the bundle under one seal."""
    certification.status_snapshot = present_status(certification, clock.now()).document
    certification.seal = seal_it(parts_of(certification)).document
