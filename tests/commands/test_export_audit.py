"""Exports of the audit trail: whole or not there at all, safe to open, and for the person who asked."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from app.commands import audit_exports as commands
from app.commands.tasks import update_task
from app.core import clock
from app.core.csv_rows import csv_rows
from app.core.database import db
from app.core.errors import Forbidden
from app.jobs import audit_exports as job
from app.models.audit_exports import KEPT, AuditExport
from app.queries import audit_exports as queries
from app.schemas.tasks import TaskChanges
from tests import cast
from tests.cast import afresh
from tests.factories import a_program, a_task, an_export
from tests.jobs.outbox import rows_of
from tests.trail import as_auditor, as_superuser


def content(api, player, export):
    answer = api(player).get(f"/audit/exports/{export.id}/content", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200, answer.text
    return answer.data


def lines(api, player, export):
    return [json.loads(line) for line in content(api, player, export).splitlines()]


def test_it_holds_what_the_reader_may_see_oldest_first(api, alice):
    task = a_task(alice, name="Call Mrs Brown")
    update_task(alice.actor, task.id, TaskChanges(name="Call Mrs Green"))
    told = lines(api, alice, an_export(alice, object=str(task.id)))
    assert [row["event_type"] for row in told] == ["task.created", "task.updated"]
    assert told[1]["before_state"] == {"name": "Call Mrs Brown"}


def test_it_is_written_in_parts_and_goes_on_where_a_worker_died(api, alice, monkeypatch):
    monkeypatch.setattr(commands, "ROWS_OF_A_PART", 3)
    for _ in range(4):
        a_task(alice)
    export = an_export(alice, settled=False)
    system = cast.system(alice.organisation)
    commands.count_audit_export(system, export.id)
    assert commands.write_audit_export_part(system, export.id)
    afresh()

    def die(_session):
        raise KeyboardInterrupt

    event.listen(db.session, "before_commit", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            commands.write_audit_export_part(system, export.id)
    finally:
        event.remove(db.session, "before_commit", die)
    afresh()
    waiting = api(alice).get(f"/audit/exports/{export.id}").json["data"]
    assert (waiting["state"], waiting["rows_done"]) == ("running", 3)
    assert api(alice).get(f"/audit/exports/{export.id}/content").status_code == 409, "half of a file is no file"
    job.write(system, export.id)
    job.write(system, export.id)
    told = lines(api, alice, export)
    ids = [row["event_id"] for row in told]
    assert len(ids) == len(set(ids)) == waiting["rows_total"]
    assert told == sorted(told, key=lambda row: row["created_at"])


def halfway(alice, monkeypatch, *, waited):
    """An export of which one part is written, and then nothing for so long: its organisation was suspended."""
    monkeypatch.setattr(commands, "ROWS_OF_A_PART", 3)
    a_task(alice)
    export = an_export(alice, settled=False)
    assert commands.write_audit_export_part(cast.system(alice.organisation), export.id)
    afresh()
    age(export, waited)
    return export


def age(export, waited):
    """Let the parts that an export has so far be older than they are, and clear up what is over."""
    as_superuser(
        "UPDATE audit_export_parts SET created_at = created_at - %s WHERE audit_export_id = %s RETURNING number",
        waited,
        export.id,
    )
    as_superuser("DELETE FROM audit_export_parts WHERE created_at < now() - %s RETURNING number", KEPT)


def test_what_was_held_up_until_its_beginning_was_cleared_away_is_no_file(api, alice, monkeypatch):
    export = halfway(alice, monkeypatch, waited=timedelta(hours=40))
    job.write(cast.system(alice.organisation), export.id)
    assert api(alice).get(f"/audit/exports/{export.id}").json["data"]["state"] == "failed"
    assert api(alice).get(f"/audit/exports/{export.id}/content").status_code == 409


def test_what_was_held_up_can_be_fetched_until_its_beginning_is_cleared_away(api, alice, monkeypatch):
    export = halfway(alice, monkeypatch, waited=timedelta(hours=20))
    job.write(cast.system(alice.organisation), export.id)
    ready = api(alice).get(f"/audit/exports/{export.id}").json["data"]
    assert ready["state"] == "ready"
    assert len(lines(api, alice, export)) == ready["rows_done"] > 3
    age(export, timedelta(hours=17))
    with clock.stopped(clock.now() + timedelta(hours=17)):
        answer = api(alice).get(f"/audit/exports/{export.id}/content")
        assert (answer.status_code, "expired" in answer.text) == (409, True)


def test_a_long_one_lets_other_work_have_its_turn(api, alice, monkeypatch):
    monkeypatch.setattr(commands, "ROWS_OF_A_PART", 3)
    monkeypatch.setattr(job, "A_TURN", 0)
    for _ in range(4):
        a_task(alice)
    export = an_export(alice, settled=False)
    turns = 0
    while api(alice).get(f"/audit/exports/{export.id}").json["data"]["state"] != "ready":
        waiting = rows_of([export.id])
        job.write(cast.system(alice.organisation), export.id)
        afresh()
        turns += 1
        more = api(alice).get(f"/audit/exports/{export.id}").json["data"]["state"] != "ready"
        assert len(rows_of([export.id])) == len(waiting) + more, "each turn but the last asks for another"
    ids = [row["event_id"] for row in lines(api, alice, export)]
    assert turns > 2
    assert len(ids) == len(set(ids)) > 2 * 3


def test_what_comes_after_the_asking_is_not_in_it(api, alice):
    export = an_export(alice, settled=False)
    late = a_task(alice)
    job.write(cast.system(alice.organisation), export.id)
    assert str(late.id) not in [row["entity_id"] for row in lines(api, alice, export)]


def test_a_spreadsheet_runs_nothing_of_it(api, alice):
    task = a_task(alice, name="=cmd|' /C calc'!A0")
    text = content(api, alice, an_export(alice, "csv", object=str(task.id))).decode()
    assert text.count("\r\n") == text.count("\n")
    head, row = csv.reader(io.StringIO(text))
    assert dict(zip(head, row, strict=True))["event_type"] == "task.created"
    for cell in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"):
        assert csv_rows([[cell]]).decode().lstrip('"').startswith("'")
    assert csv_rows([[-5, None, 'a "b", c']]) == b'-5,,"a ""b"", c"\r\n'


def test_it_travels_compressed_to_who_takes_that(api, form, alice):
    export = an_export(alice)
    packed = api(alice).get(f"/audit/exports/{export.id}/content", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == content(api, alice, export)
    page = form(alice).get(f"/audit/exports/{export.id}/content")
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Cache-Control"] == "no-store"


def test_in_the_database_it_can_be_read_by_nobody(alice):
    a_task(alice, name="Call Mrs Brown")
    export = an_export(alice)
    (row,) = as_superuser("SELECT content FROM audit_export_parts WHERE audit_export_id = %s", export.id)
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(bytes(row.content))


def test_it_is_for_whoever_asked_and_for_a_day(api, alice, mallory, carol):
    export = an_export(alice)
    assert api(mallory).get(f"/audit/exports/{export.id}/content").status_code == 404
    with pytest.raises(Forbidden):
        an_export(carol)
    with clock.stopped(clock.now() + timedelta(hours=25)):
        answer = api(alice).get(f"/audit/exports/{export.id}/content")
        assert (answer.status_code, "expired" in answer.text) == (409, True)


def test_asking_and_fetching_are_in_the_trail(api, alice):
    export = an_export(alice)
    for _ in range(2):
        content(api, alice, export)
    told = as_auditor("SELECT event_type FROM audit.audit_events WHERE entity_id = %s ORDER BY id", str(export.id))
    assert [row.event_type for row in told] == [
        "audit_export.created", "audit_export.completed", "audit_export.downloaded",
    ]  # fmt: skip


def test_the_page_tells_how_far_it_is_until_it_is_ready(form, htmx, alice):
    asked = form(alice).post("/audit/exports", format="csv", object="", **{"from": "", "from_time": "", "to": ""})
    assert asked.status_code == 303
    address = asked.headers["Location"].partition(alice.organisation.slug)[2]
    waiting = htmx(alice).get(address).text
    assert 'hx-trigger="every 1s, live"' in waiting
    export_id = address.rpartition("/")[2]
    job.write(cast.system(alice.organisation), export_id)
    ready = htmx(alice).get(address).text
    assert 'hx-trigger="live"' in ready
    assert f"{address}/content" in ready
    assert form(alice).post("/audit/exports", format="pdf").status_code == 422
    assert "/audit/exports" in form(alice).get("/audit").text


def test_the_form_narrows_an_export_by_all_that_the_trail_is_filtered_by(form, api, alice, bob):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    update_task(bob.actor, task.id, TaskChanges(name="Call back"))
    update_task(alice.actor, task.id, TaskChanges(name="Call again"))
    event = api(alice).get(f"/audit?object=OPS-1&person={bob.user_id}").json["data"][0]
    moment = datetime.fromisoformat(event["created_at"])
    day, second = f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"
    after = f"{moment + timedelta(seconds=1):%H:%M:%S}"
    narrowed = {"person": bob.user_id, "action": "update", "kind": "task", "object": "OPS-1", "from": day, "to": day,
                "event_type": "task.updated", "request_id": "test", "from_time": second, "to_time": after}  # fmt: skip
    asked = form(alice).post("/audit/exports", format="jsonl", **narrowed)
    assert asked.status_code == 303, asked.text
    address = asked.headers["Location"].partition(alice.organisation.slug)[2]
    export = AuditExport(id=address.rpartition("/")[2])
    job.write(cast.system(alice.organisation), export.id)
    assert [row["event_id"] for row in lines(api, alice, export)] == [event["event_id"]]
    page = form(alice).get(address).text
    listed = form(alice).get("/audit/exports").text
    for told in ("Bob", "Changed", "Task", "OPS-1", "task.updated", f"{moment:%Y-%m-%d %H:%M:%S} UTC"):
        assert told in page
        assert told in listed


@pytest.mark.parametrize(
    ("field", "value"),
    [("from", "yesterday"), ("from_time", "14:05"), ("kind", "cat"), ("person", "x"), ("event_type", "'"),
     ("object", "x" * 101), ("strange", "1"), ("format", "pdf")],
)  # fmt: skip
def test_a_filter_of_the_form_that_will_not_do_is_named_and_the_rest_is_kept(form, alice, field, value):
    answer = form(alice).post("/audit/exports", **{"format": "jsonl", "action": "read", field: value})
    named = {"from_time": "from", "strange": "strange"}.get(field, field)
    assert (answer.status_code, f'href="#f-{named}"' in answer.text) == (422, True)
    assert '<option value="read" selected>' in answer.text


def test_from_the_trail_one_comes_to_an_export_of_what_one_looks_at(form, alice):
    looked_at = "/audit?kind=task&from=2026-11-01&from_time=10:30"
    link = "/audit/exports?kind=task&amp;from=2026-11-01T10:30:00Z"
    assert link in form(alice).get(looked_at).text
    page = form(alice).get(link.replace("&amp;", "&")).text
    for kept in ('value="2026-11-01"', 'value="10:30:00"', '<option value="task" selected>'):
        assert kept in page
    assert "Export these" not in form(alice).get("/audit").text


def test_the_list_tells_how_far_each_is(form, alice):
    export = an_export(alice, settled=False)
    as_superuser(
        "UPDATE audit_exports SET state = 'running', rows_total = 12345, rows_done = 5000 WHERE id = %s RETURNING 1",
        export.id,
    )
    page = form(alice).get("/audit/exports").text
    assert "5,000 of 12,345" in page
    assert "Everything" in page


def test_where_counting_takes_too_long_an_export_is_written_all_the_same(api, form, alice, monkeypatch):
    monkeypatch.setattr(commands, "ROWS_OF_A_PART", 3)
    monkeypatch.setattr(job, "A_TURN", 0)
    monkeypatch.setattr(queries, "COUNTED_FOR", "50ms")
    monkeypatch.setattr(queries, "_counted", lambda _export: select(func.pg_sleep(30)))
    for _ in range(4):
        a_task(alice)
    export_id = an_export(alice, settled=False).id
    system = cast.system(alice.organisation)
    job.write(system, export_id)
    afresh()
    waiting = api(alice).get(f"/audit/exports/{export_id}").json["data"]
    assert (waiting["state"], waiting["rows_total"], waiting["rows_done"]) == ("running", None, 3)
    assert "3 events so far" in form(alice).get(f"/audit/exports/{export_id}").text
    monkeypatch.setattr(job, "A_TURN", 60)
    job.write(system, export_id)
    ids = [row["event_id"] for row in lines(api, alice, AuditExport(id=export_id))]
    assert len(ids) == len(set(ids)) == api(alice).get(f"/audit/exports/{export_id}").json["data"]["rows_total"]
