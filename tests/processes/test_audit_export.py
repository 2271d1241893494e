"""A worker that is killed amid an export of the audit trail: the file is whole in the end, with each event once."""

from __future__ import annotations

import json
import signal
from collections import Counter

from tests.processes.stack import soon

EVENTS = 32_000  # seven parts
FILL = """
    INSERT INTO audit.audit_events (event_id, application_instance_id, event_type, entity_type, entity_id, action,
                                    after_state, metadata)
    SELECT gen_random_uuid(), %s, 'task.updated', 'Task', n::text, 'update', jsonb_build_object('estimate_minutes', n),
           '{"via": "session"}'
    FROM generate_series(1, %s) AS n RETURNING NULL"""


def test_an_export_whose_worker_is_killed_again_and_again_holds_each_event_once(stack, customer):
    asker = customer()
    stack.rows(FILL, asker.organisation_id, EVENTS)
    stack.kill("worker")
    doomed = stack.start("worker-doomed", FAILPOINT="audit_export.part_written")
    wanted = {"format": "jsonl", "kind": "task"}
    asked = asker.api("POST", "/audit/exports", wanted, Idempotency_Key="export")
    assert asked.status == 201, asked.body
    address = f"/audit/exports/{asked.json['data']['id']}"

    def now():
        return asker.api("GET", address).json["data"]

    soon(lambda: not doomed.is_alive, "the worker has died with a part in its hands")
    assert doomed.process.returncode == -signal.SIGKILL
    assert (now()["state"], now()["rows_done"]) == ("pending", 0), "what was not committed is not there"
    assert asker.api("GET", f"{address}/content").status == 409
    for parts in (1, 3):
        stack.start("worker")
        seen = soon(lambda parts=parts: now()["rows_done"] >= parts * 5000 and now(), f"{parts} parts are written")
        stack.kill("worker")
        assert (seen["state"], seen["rows_total"]) == ("running", EVENTS), "it was killed amid the export"
        assert asker.api("GET", f"{address}/content").status == 409
    stack.start("worker")
    soon(lambda: now()["state"] == "ready", "the export is whole")
    assert now()["rows_done"] == now()["rows_total"] == EVENTS
    lines = asker.api("GET", f"{address}/content", **{"Accept-Encoding": "identity"}).body.splitlines()
    told = Counter(json.loads(line)["entity_id"] for line in lines)
    assert told == Counter(str(number) for number in range(1, EVENTS + 1))
    steps = stack.rows(
        "SELECT event_type FROM audit.audit_events WHERE entity_id = %s AND action <> 'read' ORDER BY id",
        asked.json["data"]["id"],
    )
    assert [row.event_type for row in steps] == ["audit_export.created", "audit_export.completed"]
