"""The entry of worker, signer and clock: `python -m app.jobs worker`."""

from __future__ import annotations

import os
import signal
import sys
import threading

from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from app import create_app
from app.adapters import mail, time_stamping
from app.config import Settings
from app.core import valkey
from app.core.heartbeats import beat_forever
from app.jobs import clock, key_ring
from app.jobs.relay import queue_named

QUEUES = {"worker": "default", "signer": "signer"}


class Worker(SimpleWorker):
    """Runs jobs in this very process: they are short, and a fork costs more than they do."""

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = 2.0  # seconds between two tries to reach a Redis that is away


def main(process: str) -> None:
    """Run one kind of process until it is told to stop."""
    app = create_app(process)
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        if process == "signer":
            key_ring.open_keys(settings)
            time_stamping.configure(settings.tsa_url)
        if process == "worker":
            mail.configure(settings)
        beat_forever(process)
        if process == "clock":
            _run_clock(settings)
        else:
            _run_worker(process)


def _run_clock(settings: Settings) -> None:
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    clock.run(settings.database_url_of("clock"), stopping, settings.audit_heads)


def _run_worker(process: str) -> None:
    """RQ is a hint, not a record: what it forgets, the relay hands over again."""
    Worker(
        [queue_named(QUEUES[process])],
        connection=valkey.new_client(),
        serializer=JSONSerializer,
        name=f"{process}-{os.getpid()}-{os.urandom(4).hex()}",
        worker_ttl=30,
        maintenance_interval=600,
    ).work(with_scheduler=False, logging_level="WARNING")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in (*QUEUES, "clock"):
        raise SystemExit("Say which process: python -m app.jobs worker|signer|clock")
    main(sys.argv[1])
