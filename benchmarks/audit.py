"""The audit trail of one organisation with millions of events over twelve months: how long a reader waits for a page.

Rows are made by the server itself, month by month, each straight into its partition with all its indexes: the quickest
way that leaves what writing one by one would have left. Keys and links of these rows are not made.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import resource
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask

from app.commands.audit_exports import request_audit_export
from app.commands.tenants import create_tenant, system_actor
from app.core import tenancy
from app.core.actor import Actor, Tenant, Visitor
from app.core.database import db
from app.core.paging import Paging
from app.jobs.audit_exports import write
from app.models.application_instances import ApplicationInstance
from app.models.audit_exports import AuditExport
from app.queries.audit_events import AuditFilters, explained, list_audit_events
from app.queries.audit_exports import count_rows, part_of
from app.schemas.tenants import NewTenant
from benchmarks.stack import Stack

PEOPLE = 50
OBJECTS = 20_000
ROUNDS = 30
EXPORT = "audit_event.export"
MOST_MS = 200.0  # what a person may have to wait for a month of somebody's events

_FILL = """
    INSERT INTO audit.{partition} (transaction_id, id, event_id, application_instance_id, event_type, entity_type,
        entity_id, action, actor_user_id, actor_ip_address, before_state, after_state, metadata, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT '1'::xid8, %(first)s + n, gen_random_uuid(), %(tenant)s,
        (ARRAY['task.updated', 'task.moved', 'task.created', 'task_comment.created'])[1 + n %% 4], 'Task',
        md5((n * 7919 %% %(objects)s)::text)::uuid::text, 'update', 1 + (n * 31) %% %(people)s, '203.0.113.0/24',
        jsonb_build_object('name', 'Draft the letter ' || n, 'estimate_minutes', n %% 480),
        jsonb_build_object('name', 'Send the letter ' || n, 'estimate_minutes', n %% 470),
        jsonb_build_object('request_id', md5(n::text), 'via', 'session'),
        %(begin)s::timestamptz + n * (%(end)s::timestamptz - %(begin)s::timestamptz) / %(count)s
    FROM generate_series(0::bigint, %(count)s - 1) AS n"""


def measure(running: Stack, app: Flask, events: int, *, export: float = 0) -> dict[str, Any]:
    """Fill the trail and read it; with `export` also write an export of all of it, for at most so many seconds."""
    with app.app_context():
        made = create_tenant(
            Visitor(),
            NewTenant(
                slug="audited",
                name="Audited",
                owner_email="owner@audited.example",
                owner_name="Olga Owner",
                owner_password="a long enough password",
            ),
        )
        months = _months(datetime.now(UTC))
        started = time.monotonic()
        size = _fill(running, made.id, months, events)
        filled = time.monotonic() - started
        actor = Actor(
            tenant=Tenant(made.id, made.slug, made.name),
            permissions=frozenset({"audit_event.view", "task.view", "user.view"}),
        )
        found: dict[str, Any] = {"events": events, "minutes": filled / 60, "bytes": size}
        if export:
            with running.connect() as connection:
                row = connection.execute("SELECT user_id FROM users WHERE email = 'owner@audited.example'").fetchone()
            assert row is not None
            reader = replace(actor, user_id=row[0], permissions=actor.permissions | {EXPORT})
            found["export"] = _export(running, reader, export)
            print("\n".join(_lines_of_export(found["export"])), flush=True)
        with tenancy.entered(db.session, made.id):
            found |= _read(actor, months)
        return found


def _export(running: Stack, actor: Actor, most: float) -> dict[str, Any]:
    """Write an export of the whole trail, as the job does it: how long, how large, and what memory it took more."""
    with tenancy.entered(db.session, actor.tenant_id):
        tenant = db.session.get_one(ApplicationInstance, actor.tenant_id)
        export_id = request_audit_export(actor, "jsonl", AuditFilters()).id
        system = system_actor(tenant)
        started, cpu, memory = time.monotonic(), time.process_time(), []
        counted = count_rows(db.session.get_one(AuditExport, export_id))
        counting = time.monotonic() - started
        while db.session.get_one(AuditExport, export_id).state != "ready" and time.monotonic() - started < most:
            db.session.commit()
            write(system, export_id)
            db.session.expire_all()
            memory.append(_resident())
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        export = db.session.get_one(AuditExport, export_id)
        ended, lines = export.state == "ready", _lines_in(export, actor.tenant_id)
        assert lines == export.rows_done, f"The file has {lines} lines for {export.rows_done} events."
        assert not ended or lines == counted, f"It ended with {lines} of {counted} events."
    with running.connect() as connection:
        row = connection.execute(
            "SELECT rows_done, sum(length(content)) AS bytes FROM audit_exports AS x"
            " JOIN audit_export_parts AS p ON p.audit_export_id = x.id WHERE x.id = %s GROUP BY 1",
            [export_id],
        ).fetchone()
    assert row is not None
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "counted": counted,
        "counting": counting,
        "turns": len(memory),
        "rows": row[0],
        "ended": ended,
        "bytes": int(row[1]),
        "memory_mib": memory,  # after each turn
    }


def _resident() -> float:
    """What of this process is in memory now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _lines_in(export: AuditExport, tenant_id: UUID) -> int:
    """How many lines the file has that somebody would download, unsealed and unpacked part by part."""
    parts = (part_of(export, tenant_id, number + 1) for number in range(export.parts))
    return sum(gzip.decompress(part).count(b"\n") for part in parts)


def lines(found: dict[str, Any]) -> list[str]:
    """What was found, as a table for a person."""
    return [
        f"Audit trail of {found['events']:,} events over 12 months; filled in {found['minutes']:.1f} minutes,"
        f" {found['bytes'] / 2**30:.1f} GiB with indexes.",
        "",
        "| page of 50 events | p50 | p95 |",
        "| --- | --- | --- |",
        *(f"| {name} | {each['p50']:.1f} ms | {each['p95']:.1f} ms |" for name, each in found["pages"].items()),
        "",
        f"Partitions read for a person and a month: {', '.join(found['partitions'])}.",
    ]


def _lines_of_export(found: dict[str, Any]) -> list[str]:
    rate, mebibytes, memory = found["rows"] / found["seconds"], found["bytes"] / 2**20, found["memory_mib"]
    return [
        f"Export as JSON Lines: {found['counted']:,} events counted in {found['counting']:.1f} s,"
        f" {'all' if found['ended'] else format(found['rows'], ',')} of them written in {found['seconds']:.0f} s"
        f" ({found['cpu_seconds']:.0f} s of this process) and {found['turns']} turns, {rate:,.0f} a second."
        f" {mebibytes:,.0f} MiB compressed and sealed. Memory {memory[0]:.0f} MiB after the first turn,"
        f" {max(memory):.0f} MiB at most, {memory[-1]:.0f} MiB after the last.",
    ]


def _months(now: datetime) -> list[tuple[datetime, datetime]]:
    """The twelve months up to this one, oldest first."""
    edges = [datetime(now.year, now.month, 1, tzinfo=UTC) + timedelta(days=32)]
    edges[0] = edges[0].replace(day=1)
    for _ in range(12):
        edges.insert(0, (edges[0] - timedelta(days=1)).replace(day=1))
    return list(pairwise(edges))


def _fill(running: Stack, tenant: Any, months: list[tuple[datetime, datetime]], events: int) -> int:
    count = events // len(months)
    with running.connect() as connection:
        for number, (begin, end) in enumerate(months):
            partition = f"audit_events_{begin:%Y_%m}"
            connection.execute("SET ROLE oversing_audit")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS audit.{partition} PARTITION OF audit.audit_events"
                f" FOR VALUES FROM ('{begin.isoformat()}') TO ('{end.isoformat()}')"
            )
            connection.execute(f"ALTER TABLE audit.{partition} DISABLE TRIGGER keep_event_key")
            connection.execute("RESET ROLE")
            values = {
                "first": 10**9 + number * count,
                "tenant": tenant,
                "objects": OBJECTS,
                "people": PEOPLE,
                "begin": begin,
                "end": end,
                "count": count,
            }
            connection.execute(_FILL.format(partition=partition).encode(), values)
        connection.execute("ANALYZE audit.audit_events")
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits"
            " WHERE inhparent = 'audit.audit_events'::regclass"
        ).fetchone()
        return int(row[0]) if row else 0


def _read(actor: Actor, months: list[tuple[datetime, datetime]]) -> dict[str, Any]:
    begin, end = months[6]
    asked = {
        "a person and a month": lambda n: AuditFilters(person=1 + n, since=months[n % 12][0], until=months[n % 12][1]),
        "a month": lambda n: AuditFilters(since=months[n % 12][0], until=months[n % 12][1]),
        "the newest": lambda _n: AuditFilters(),
        "a person": lambda n: AuditFilters(person=1 + n),
        "a kind and an action in a month": lambda n: AuditFilters(
            kind="task", action="update", since=months[n % 12][0], until=months[n % 12][1]
        ),
        "one request": lambda n: AuditFilters(
            request_id=hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest()
        ),
        "a request that never was": lambda n: AuditFilters(request_id=f"never-{n}"),
        "somebody who did nothing": lambda _n: AuditFilters(person=10**9),
    }
    pages = {name: _timed(actor, filters) for name, filters in asked.items()}
    plan = explained(actor, AuditFilters(person=7, since=begin, until=end), Paging())
    partitions = sorted(set(re.findall(r" on (audit_events_\w+)", "\n".join(plan))))
    assert partitions == [f"audit_events_{begin:%Y_%m}"], f"More than the month was read: {partitions}"
    for name in ("a person and a month", "one request"):
        slowest = pages[name]["p95"]
        assert slowest < MOST_MS, f"{name.capitalize()} took {slowest:.0f} ms."
    of_request = explained(actor, AuditFilters(request_id="c4ca4238a0b923820dcc509a6f75849b"), Paging())
    scanned = [line for line in of_request if "Seq Scan" in line and "never executed" not in line]
    assert not scanned, f"Looking for a request went through {scanned}."
    return {"pages": pages, "partitions": partitions, "plan": plan, "plan_of_request": of_request}


def _timed(actor: Actor, filters: Any) -> dict[str, float]:
    took = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        list_audit_events(actor, filters(number), Paging())
        took.append((time.perf_counter() - started) * 1000)
    return {"p50": statistics.median(took), "p95": statistics.quantiles(took, n=20)[-1], "most": max(took)}
