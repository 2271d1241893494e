"""Months are made ahead, guarded like their parents; an event without a month is kept all the same."""

from __future__ import annotations

from itertools import pairwise
from uuid import uuid4

import pytest
from psycopg import errors

PARTITIONS = """
    SELECT inhrelid::regclass::text AS name, pg_get_expr(relpartbound, partition.oid) AS bounds,
           relrowsecurity AND relforcerowsecurity AS walled,
           (SELECT count(*) FROM pg_trigger WHERE tgrelid = partition.oid AND tgenabled = 'A'
            AND tgname IN ('refuse_change', 'refuse_truncate')) AS guards
    FROM pg_inherits JOIN pg_class AS partition ON partition.oid = inhrelid
    WHERE inhparent IN ('audit.audit_events'::regclass, 'audit.certification_audit_log'::regclass) ORDER BY 1"""
PARENTS = ("audit.audit_events", "audit.certification_audit_log")
PLACES = "SELECT tableoid::regclass::text FROM audit.audit_events WHERE entity_id = 'late' ORDER BY id"


def made(connection, months_ahead, role="clock"):
    """How many partitions a role of the product has made."""
    connection.execute(f"SET LOCAL ROLE oversing_{role}")
    row = connection.execute("SELECT audit.ensure_partitions(%s) AS made", [months_ahead]).fetchone()
    connection.execute("RESET ROLE")
    return row.made


def write_late(connection, months_ahead):
    """An event as it comes when that month is the present one."""
    connection.execute(
        "INSERT INTO audit.audit_events (event_id, application_instance_id, event_type, entity_type, entity_id, action,"
        " created_at) VALUES (%s, %s, 'task.created', 'Task', 'late', 'create',"
        " date_trunc('month', now()) + make_interval(months => %s, days => 9))",
        [uuid4(), uuid4(), months_ahead],
    )


def partitions(connection):
    return connection.execute(PARTITIONS).fetchall()


def places(connection):
    return [place for (place,) in connection.execute(PLACES)]


def refused(connection, statement):
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement)


def test_this_month_and_the_next_three_are_there_from_the_start(besieged):
    names = {row.name for row in partitions(besieged)}
    months = besieged.execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + make_interval(months => m), '_YYYY_MM') AS month"
        " FROM generate_series(0, 3) AS m"
    ).fetchall()
    for parent in PARENTS:
        assert {f"{parent}_default", *(parent + row.month for row in months)} == {
            n for n in names if n.startswith(parent)
        }


def test_the_clock_makes_more_months_guarded_like_the_first_as_often_as_it_likes(besieged):
    assert made(besieged, 3) == 0
    assert made(besieged, 8) == 10
    assert made(besieged, 8) == 0
    assert made(besieged, -5) == 0
    rows = partitions(besieged)
    assert len(rows) == 2 * (1 + 9)
    assert [row.name for row in rows if row.guards != 2 or not row.walled] == []
    newest = max(row.name for row in rows if row.name.startswith("audit.audit_events_2"))
    for statement in (f"TRUNCATE {newest}", f"ALTER TABLE {newest} DISABLE TRIGGER ALL", f"DROP TABLE {newest}"):
        refused(besieged, statement)


def test_nobody_asks_for_more_months_than_make_sense(besieged):
    made(besieged, 10_000)
    assert len(partitions(besieged)) == 2 * (1 + 25)


@pytest.mark.parametrize("role", ["app", "signer", "auditor", "owner"])
def test_only_the_clock_makes_months(besieged, role):
    with pytest.raises(errors.InsufficientPrivilege):
        made(besieged, 4, role)


def test_months_have_no_gap_and_no_overlap(besieged):
    made(besieged, 24)
    bounds = [row.bounds for row in partitions(besieged) if row.name.startswith("audit.audit_events_2")]
    edges = [bound.removeprefix("FOR VALUES FROM (").removesuffix(")").split(") TO (") for bound in bounds]
    assert len(edges) == 25
    assert all(first[1] == second[0] for first, second in pairwise(edges))


def test_an_event_of_a_month_that_nobody_made_is_kept_in_the_default_partition(besieged):
    write_late(besieged, 10)
    assert places(besieged) == ["audit.audit_events_default"]
    refused(besieged, "DELETE FROM audit.audit_events WHERE entity_id = 'late'")
    refused(besieged, "TRUNCATE audit.audit_events_default")
    besieged.execute("SET LOCAL ROLE oversing_auditor")
    assert besieged.execute("SELECT 1 FROM audit.audit_events WHERE entity_id = 'late'").fetchone()


def test_a_month_that_began_in_the_default_partition_does_not_stop_the_others(besieged):
    """As when no clock ran for months: its rows stay where they are, and what is made ahead goes on."""
    write_late(besieged, 5)
    assert made(besieged, 8) == 9
    assert made(besieged, 8) == 0
    write_late(besieged, 5)
    write_late(besieged, 7)
    default = "audit.audit_events_default"
    assert places(besieged)[:2] == [default, default]
    assert places(besieged)[2] != default


def test_the_number_of_a_transaction_is_taken_before_the_id(besieged):
    """Defaults are worked out in the order of the columns; app/jobs/audit_chain.py rests on it."""
    order = besieged.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'audit.audit_events'::regclass"
        " AND attname IN ('id', 'transaction_id') ORDER BY attnum"
    ).fetchall()
    assert [row.attname for row in order] == ["transaction_id", "id"]
