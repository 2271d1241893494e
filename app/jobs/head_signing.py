"""The signer signs how far the audit chain has come: what it reads itself, never what it is handed.

It signs only what continues what it has signed before. So whoever rewrites the chain in the database gets no signature
for it, unless they also take away what was signed, which those who were given it still have.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import text

from app.core import clock
from app.core.database import db, fresh_session
from app.jobs.key_ring import key_ring
from runcible.canonical import canonical_json
from runcible.certification.dsse import Envelope
from runcible.certification.head_statement import HeadStatement, build
from runcible.errors import VerificationError
from runcible.storage.audit_heads import MOST_LINKS, check_signature, head_of

log = structlog.get_logger(__name__)

_last = text("SELECT sequence, hash, created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_link = text("SELECT sequence, hash FROM audit.audit_chain WHERE sequence = :sequence")
_links = text("""
    SELECT sequence, event_id, event_created_at, hash, created_at FROM audit.audit_chain
    WHERE sequence > :since AND sequence <= :until ORDER BY sequence""")
_signed = text("SELECT envelope FROM audit_heads ORDER BY sequence DESC LIMIT 1")
_insert = text("""
    INSERT INTO audit_heads (sequence, envelope) VALUES (:sequence, CAST(:envelope AS jsonb))
    ON CONFLICT DO NOTHING""")


def sign_head() -> None:
    """Sign where the chain has come to, if it has come further than what was signed last. What RQ calls."""
    with fresh_session():
        _sign_head()


def _sign_head() -> int | None:
    last = db.session.execute(_last).first()
    try:
        signed = _newest_signed()
    except VerificationError as refused:
        db.session.rollback()
        log.error("signer.signed_head_is_forged", error=type(refused).__name__)
        return None
    if signed is not None and not _continues(signed, last):
        db.session.rollback()
        log.error("signer.chain_does_not_continue", signed=signed["sequence"], stands_at=last and last.sequence)
        return None
    before = signed["sequence"] if signed else 0
    if last is None or last.sequence <= before:
        db.session.rollback()
        return None
    since = max(before, last.sequence - MOST_LINKS)
    head = head_of(last, since, db.session.execute(_links, {"since": since, "until": last.sequence}))
    envelope = key_ring().signer.sign(build(head, signed_at=clock.now()))
    values = {"sequence": last.sequence, "envelope": canonical_json(envelope.document).decode()}
    db.session.execute(_insert, values)
    db.session.commit()
    return int(last.sequence)


def _newest_signed() -> dict[str, Any] | None:
    """What was signed last, by its signature and not by the row. Raises VerificationError for a forged one."""
    row = db.session.execute(_signed).first()
    if row is None:
        return None
    envelope = Envelope.from_document(row.envelope)
    statement = HeadStatement.read(envelope.payload)
    check_signature(envelope, statement.signed_at, key_ring().trust_root)
    return statement.head


def _continues(signed: dict[str, Any], last: Any) -> bool:
    """Whether the chain still holds the link that was signed."""
    link = db.session.execute(_link, {"sequence": signed["sequence"]}).first()
    return last is not None and link is not None and bytes(link.hash).hex() == signed["hash"]
