"""The relay: hands outbox rows to RQ after their transaction has committed. Only one runs at a time.

A row is due until it is done: handing it over puts it off, a worker that leases it puts it off again and again. So one
rule, `due_at <= now`, finds what is new, what a dead worker held, and what Redis has forgotten.
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
EPOCH = "oversing:outbox:epoch"

log = structlog.get_logger(__name__)

_due = text("""
    SELECT id, application_instance_id, queue, job, sent_at FROM outbox
    WHERE due_at <= clock_timestamp() AND done_at IS NULL AND failed_at IS NULL
    ORDER BY due_at LIMIT :at_once FOR UPDATE SKIP LOCKED""")
_put_off = text("""
    UPDATE outbox SET sent_at = clock_timestamp(), due_at = clock_timestamp() + interval '60 seconds'
    WHERE id = ANY(:ids)""")
_all_due = text("""
    UPDATE outbox SET sent_at = NULL, due_at = least(due_at, clock_timestamp())
    WHERE done_at IS NULL AND failed_at IS NULL""")


def hand_over() -> int:
    """Hand over all rows that are due, and return how many. A Redis that does not answer leaves them due."""
    try:
        _notice_an_emptied_redis()
        rows = db.session.execute(_due, {"at_once": AT_ONCE}).all()
        for (queue, job, tenant_id), ids in _batches(rows):
            _enqueue(queue, job, tenant_id, ids)
            failpoint("relay.enqueued")
        db.session.execute(_put_off, {"ids": [row.id for row in rows]})
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
    """Rows that can be run together. What was handed over before and still waits in a queue is left there."""
    waiting = {queue: len(queue_named(queue)) for queue in {row.queue for row in rows if row.sent_at is not None}}
    together: dict[tuple[str, str, Any], list[str]] = defaultdict(list)
    for row in rows:
        if row.sent_at is None or waiting[row.queue] == 0:
            together[row.queue, row.job, row.application_instance_id].append(str(row.id))
    for key, ids in together.items():
        for start in range(0, len(ids), BATCH):
            yield key, ids[start : start + BATCH]


def _enqueue(queue: str, job: str, tenant_id: Any, ids: list[str]) -> None:
    queue_named(queue).enqueue(
        "app.jobs.runner.run",
        args=(job, str(tenant_id), ids),
        job_id=str(uuid4()),
        job_timeout=300,
        result_ttl=0,
        failure_ttl=3600,
        description=f"{job} x {len(ids)}",
    )


def _notice_an_emptied_redis() -> None:
    """Redis keeps a mark of ours. Where the mark is gone, so are the queues, and everything unfinished is due now."""
    if valkey.client().set(EPOCH, "1", nx=True):
        db.session.execute(_all_due)
        db.session.commit()
