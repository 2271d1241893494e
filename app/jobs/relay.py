"""The relay: hands outbox rows to RQ after their transaction has committed. Only one runs at a time.

A row is due until it is done. Handing it over puts it off, and so does the lease of whoever works on it
(app/jobs/leases.py). So one rule, `due_at <= now`, finds what is new, what a dead worker held, and what Redis has
forgotten. `sent_at` says since when a row waits in a queue; a row that was taken from there has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import structlog
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import text

from app.core import valkey
from app.core.database import db
from app.core.failpoints import failpoint

BATCH = 64  # rows of one job and organisation handed over together
AT_ONCE = 1000
TAKEN_WITHIN = 10.0  # seconds after which a row that nobody has taken is handed over again
EPOCH = "oversing:outbox:epoch"

log = structlog.get_logger(__name__)

# What a suspended organisation has left to do waits here until it is resumed.
_due = text("""
    SELECT id, application_instance_id, queue, job FROM outbox
    WHERE due_at <= clock_timestamp() AND done_at IS NULL AND failed_at IS NULL
        AND NOT EXISTS (SELECT FROM application_instances AS tenant
                        WHERE tenant.id = application_instance_id AND tenant.suspended_at IS NOT NULL)
    ORDER BY due_at LIMIT :at_once FOR UPDATE SKIP LOCKED""")
# Nobody has taken a row: it may be lost, or the queue is long. To hand it over again is harmless, as whoever is late
# finds it taken; the longer it waits, the more seldom it is done, so that a long queue does not grow by it.
_put_off = text("""
    UPDATE outbox SET sent_at = coalesce(sent_at, clock_timestamp()), due_at = clock_timestamp()
        + greatest(clock_timestamp() - sent_at, make_interval(secs => :seconds))
    WHERE id = ANY(:ids)""")
_forgotten = text("""
    UPDATE outbox SET sent_at = NULL, due_at = clock_timestamp()
    WHERE sent_at IS NOT NULL AND done_at IS NULL AND failed_at IS NULL""")


def hand_over() -> int:
    """Hand over all rows that are due, and return how many. A Redis that does not answer leaves them due."""
    try:
        _notice_an_emptied_redis()
        rows = db.session.execute(_due, {"at_once": AT_ONCE}).all()
        for (queue, job, tenant_id), ids in _batches(rows):
            _enqueue(queue, job, tenant_id, ids)
            failpoint("relay.enqueued")
        if rows:
            db.session.execute(_put_off, {"ids": [row.id for row in rows], "seconds": TAKEN_WITHIN})
        db.session.commit()
        return len(rows)
    except (RedisError, OSError) as failure:
        db.session.rollback()
        log.warning("relay.redis_does_not_answer", error=type(failure).__name__)
        return 0


def queue_named(name: str) -> Queue:
    """A queue whose jobs are JSON: whoever can write to Redis must not be able to run code."""
    return Queue(name, connection=valkey.client(), serializer=JSONSerializer)


def _batches(rows: Any) -> Iterator[tuple[tuple[str, str, Any], list[str]]]:
    """Rows that can be run together, in the order in which they fell due."""
    together: dict[tuple[str, str, Any], list[str]] = defaultdict(list)
    for row in rows:
        together[row.queue, row.job, row.application_instance_id].append(str(row.id))
    for key, ids in together.items():
        for start in range(0, len(ids), BATCH):
            yield key, ids[start : start + BATCH]


def _enqueue(queue: str, job: str, tenant_id: Any, ids: list[str]) -> None:
    queue_named(queue).enqueue(
        "app.jobs.runner.run",
        args=(job, str(tenant_id or ""), ids),
        job_id=str(uuid4()),
        job_timeout=300,
        result_ttl=0,
        failure_ttl=3600,
        description=f"{job} x {len(ids)}",
    )


def _notice_an_emptied_redis() -> None:
    """Redis keeps a mark of ours. Where the mark is gone, so are the queues, and what waited in them is due now."""
    if not valkey.client().exists(EPOCH):
        db.session.execute(_forgotten)
        db.session.commit()
        valkey.client().set(EPOCH, "1")
