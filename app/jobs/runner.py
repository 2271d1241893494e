"""Run what the relay has handed over: each item by itself, each marked as done only when it is.

The same items may be handed over twice, and an item whose process died is handed over anew: so a job may run twice,
though never at the same time, and every job is made to bear that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from app.commands.tenants import system_actor
from app.core import clock, tenancy
from app.core.actor import Actor, Visitor
from app.core.database import db, fresh_session
from app.core.failpoints import failpoint
from app.core.outbox import outbox
from app.jobs.leases import leased
from app.jobs.registry import GIVEN_UP, JOBS
from app.models.application_instances import ApplicationInstance

MOST_ATTEMPTS = 10
LONGEST_PAUSE = timedelta(minutes=5)

log = structlog.get_logger(__name__)


def run(job: str, tenant_id: str, outbox_ids: Sequence[str]) -> None:
    """Run `job` for each of these rows of one organisation, in their order. What RQ calls, in worker and signer.

    An empty `tenant_id` means rows of no organisation.
    """
    ids = [UUID(each) for each in outbox_ids]
    if not tenant_id:
        with fresh_session(), tenancy.entered(db.session, tenancy.NOBODY):
            _run_all(Visitor(), tenancy.NOBODY, job, ids)
        return
    with fresh_session(), tenancy.entered(db.session, UUID(tenant_id)):
        tenant = db.session.get(ApplicationInstance, UUID(tenant_id))
        if tenant is None:
            log.warning("job.tenant_is_gone", tenant=tenant_id, job=job)
            return
        if tenant.suspended_at is not None:  # since the relay has handed it over, which it will do again
            log.info("job.tenant_is_suspended", tenant=tenant_id, job=job)
            return
        _run_all(system_actor(tenant), tenant.id, job, ids)


def _run_all(actor: Actor | Visitor, tenant_id: UUID, job: str, ids: list[UUID]) -> None:
    with leased(tenant_id, ids) as held:
        for outbox_id in ids:
            if outbox_id in held:
                _run_one(actor, job, outbox_id, held[outbox_id])
                held.pop(outbox_id)


def _run_one(actor: Actor | Visitor, job: str, outbox_id: UUID, subject_id: UUID) -> None:
    try:
        JOBS[job](actor, subject_id)
    except Exception as failure:
        db.session.rollback()
        log.exception("job.failed", job=job, outbox_id=str(outbox_id))
        _put_off(actor, job, outbox_id, subject_id, failure)
        return
    failpoint("job.before_done")
    _change(outbox_id, done_at=clock.now(), last_error=None)


def _put_off(actor: Actor | Visitor, job: str, outbox_id: UUID, subject_id: UUID, failure: Exception) -> None:
    """Try again later, later each time; after the last try say that it was given up.

    What has no way of saying that it failed is tried for ever.
    """
    attempts = (db.session.scalar(select(outbox.c.attempts).where(outbox.c.id == outbox_id)) or 0) + 1
    if attempts < MOST_ATTEMPTS or job not in GIVEN_UP or isinstance(actor, Visitor):
        pause = min(timedelta(seconds=2 ** min(attempts, 10)), LONGEST_PAUSE)
        due = func.clock_timestamp() + pause
        _change(outbox_id, attempts=attempts, due_at=due, last_error=type(failure).__name__)
        return
    GIVEN_UP[job](actor, subject_id, f"It was tried {attempts} times, the last time with {type(failure).__name__}.")
    _change(outbox_id, attempts=attempts, failed_at=clock.now(), last_error=type(failure).__name__)


def _change(outbox_id: UUID, **values: object) -> None:
    """The bookkeeping of a job is a transaction of its own: there is no command around it."""
    db.session.execute(update(outbox).where(outbox.c.id == outbox_id).values(**values))
    db.session.commit()
