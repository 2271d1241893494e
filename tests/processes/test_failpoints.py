"""Every failpoint once: a process dies at the named line, another goes on, and nobody can tell."""

from __future__ import annotations

import signal

from app.core.failpoints import POINTS
from tests.processes.customers import assert_each_decided_once, soon_decided
from tests.processes.stack import soon

# Who comes by each point. Each process dies at its first passing, with the work of one organisation in its hands.
WORKERS = ("certification.frozen", "job.before_done")
SIGNERS = ("certification.signed", "certification.stamped", "certification.before_commit", "job.before_done")
CLOCKS = ("relay.enqueued",)
ELSEWHERE = ("audit_export.part_written",)  # tests/processes/test_audit_export.py
EACH = 2


def test_a_process_that_dies_at_any_failpoint_has_lost_nothing_and_doubled_nothing(stack, product, customer):
    assert {*WORKERS, *SIGNERS, *CLOCKS, *ELSEWHERE} == POINTS
    askers = [customer() for _organisation in range(5)]
    for name in ("worker", "signer", "clock"):
        stack.kill(name)
    doomed = {
        kind: [stack.start(f"{kind}-{point}", FAILPOINT=point) for point in points]
        for kind, points in (("worker", WORKERS), ("signer", SIGNERS), ("clock", CLOCKS))
    }
    acknowledged = [{f"fail-{n}": asker.certify(key=f"fail-{n}") for n in range(EACH)} for asker in askers]
    for kind in ("clock", "worker", "signer"):
        soon(lambda kind=kind: not any(each.is_alive for each in doomed[kind]), f"each {kind} has died at its point")
        assert {each.process.returncode for each in doomed[kind]} == {-signal.SIGKILL}
        stack.start(kind)
    for asker, ids in zip(askers, acknowledged, strict=True):
        soon_decided(asker, EACH)
        assert_each_decided_once(product, asker, ids)
