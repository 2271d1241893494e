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

    def rows_done():  # by the database: to ask the product ten times a second would be work for it as well
        return stack.rows("SELECT rows_done FROM audit_exports WHERE id = %s", asked.json["data"]["id"])[0].rows_done

    soon(lambda: not doomed.is_alive, "the worker has died with a part in its hands")
    assert doomed.process.returncode == -signal.SIGKILL
    assert (now()["state"], now()["rows_done"]) == ("pending", 0), "what was not committed is not there"
    assert asker.api("GET", f"{address}/content").status == 409
    for parts in (1, 3):
        stack.start("worker")
        soon(lambda parts=parts: rows_done() >= parts * 5000, f"{parts} parts are written")
        stack.kill("worker")
        assert (now()["state"], now()["rows_total"]) == ("running", EVENTS), "it was killed amid the export"
        assert asker.api("GET", f"{address}/content").status == 409
    stack.start("worker")
    soon(lambda: rows_done() == EVENTS, "the last part is written")
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
