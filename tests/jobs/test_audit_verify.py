"""`python -m runcible audit verify`: what a superuser does to the trail behind its guards is found, and named."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from app import create_app
from app.commands.identity_events import happened
from app.commands.tasks import update_task
from app.core.database import db, fresh_session
from app.core.transaction import command
from app.jobs import audit_chain, audit_heads
from app.schemas.tasks import TaskChanges
from runcible.cli import main
from tests import cast, stage
from tests.factories import a_certification, a_task

TABLES = ("audit_events", "audit_event_keys", "audit_chain", "certification_audit_log", "identity_events")

# One byte, or the least that a type can differ by.
CHANGED = {
    "uuid": "overlay({0}::text PLACING translate(right({0}::text, 1), '0123456789abcdef', '1032547698badcfe')"
    " FROM 36 FOR 1)::uuid",
    "text": "overlay(coalesce({0}, 'a') PLACING chr(ascii(coalesce({0}, 'a')) # 1) FROM 1 FOR 1)",
    "character varying": "overlay({0} PLACING chr(ascii({0}) # 1) FROM 1 FOR 1)",
    "bigint": "coalesce({0}, 1) + 100000",
    "integer": "{0} + 100",
    "xid8": "(({0}::text)::bigint + 1)::text::xid8",
    "inet": "coalesce(set_masklen({0}, masklen({0}) - 1), '10.0.0.0/8')",
    "jsonb": "coalesce({0}, '{{}}') || '{{\"x\": 1}}'",
    "bytea": "set_byte(coalesce({0}, '\\x00'), 0, get_byte(coalesce({0}, '\\x00'), 0) # 1)",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
}


@pytest.fixture(scope="module")
def trail(play_stage, web_app, tmp_path_factory):
    """A database of its own with a linked trail, and the heads that were kept of it."""
    database = stage.copy(f"verify_{play_stage.worker_number}")
    there = stage.Stage(database, play_stage.worker_number)
    heads = tmp_path_factory.mktemp("heads") / "heads.jsonl"
    with create_app("web", **there.settings).app_context(), fresh_session():
        alice = cast.play(cast.found("acme"), "alice")
        a_certification(alice)
        task = a_task(alice)
        for _time in range(3):
            signed_in(alice)
        for name in ("one", "two", "three"):
            update_task(alice.actor, task.id, TaskChanges(name=name))
    link(there, heads)
    return SimpleNamespace(database=database, heads=heads, stage=there, alice=alice, task=task)


@command(anyone="a test", unrecorded="it is the record")
def signed_in(player):
    """An event of somebody's account."""
    happened(player.actor.origin, player.user_id, "user.signed_in", how="password")


def place(table):
    """Where a table stands: what happened to accounts stands beside them, outside of the trail."""
    return f"public.{table}" if table == "identity_events" else f"audit.{table}"


def link(there, heads, at_once=3):
    """Let the clock link what there is, some at a time, and keep a head after each."""
    with create_app("clock", **there.settings).app_context(), fresh_session(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(audit_chain, "AT_ONCE", at_once)
        settled = audit_chain.Settled()
        while audit_chain.link_events(settled):
            audit_heads.keep_head(heads)
        db.session.rollback()


@pytest.fixture
def tampering(trail):
    """A superuser's connection to a copy of the trail whose guards are down. What is done there is really done."""
    with guards_down(trail, "x") as opened:
        yield opened


@pytest.fixture(scope="module")
def opened_once(trail):
    """The same for all who change nothing but rows, with the rows as they were beside it."""
    with guards_down(trail, "rows") as opened:
        opened.sql("CREATE SCHEMA kept")
        for table in TABLES:
            opened.sql(f"CREATE TABLE kept.{table} AS SELECT * FROM {place(table)}")
        yield opened


@pytest.fixture
def changing_rows(opened_once, trail, capsys):
    """A place to tamper with rows. They are put back afterwards, and nothing is found in them then."""
    yield opened_once
    for table in TABLES:
        opened_once.sql(f"DELETE FROM {place(table)}")
        opened_once.sql(f"INSERT INTO {place(table)} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table}")
    code, said = verified(opened_once.database, trail.heads, capsys)
    assert code == 0, said


@contextmanager
def guards_down(trail, suffix):
    """A copy of the trail, as a superuser who has put its guards out of the way."""
    name = copy_of(trail.database, suffix)
    with psycopg.connect(stage.url_of(name, "superuser"), autocommit=True, row_factory=namedtuple_row) as connection:
        connection.execute("ALTER EVENT TRIGGER oversing_audit_ddl DISABLE")
        connection.execute("ALTER EVENT TRIGGER oversing_audit_drop DISABLE")
        for (table,) in connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'audit'::regnamespace AND relkind = 'r'"
        ).fetchall():
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in ("audit.audit_events", "audit.certification_audit_log"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute("ALTER TABLE identity_events DISABLE TRIGGER ALL")  # that of its reference to a user too
        yield SimpleNamespace(sql=connection.execute, database=name)
    with stage.superuser() as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def copy_of(database, suffix="x"):
    name = f"{database}_{suffix}"
    with stage.superuser() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        # Whatever the pools of the applications above still hold: a database that is looked at cannot be copied.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
        )
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database}"')
        for role in ("auditor", "app"):
            connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO oversing_{role}')
    return name


def verified(database, heads, capsys):
    """Exit code and what was said."""
    arguments = ["audit", "verify", "--database", stage.url_of(database, "auditor")]
    code = main([*arguments, "--head", str(heads)] if heads else arguments)
    return code, capsys.readouterr().out


def test_an_untouched_trail_is_verified(trail, capsys):
    code, said = verified(trail.database, trail.heads, capsys)
    assert (code, "TAMPERED" in said) == (0, False), said
    assert "unanchored" not in said
    assert verified(trail.database, None, capsys)[0] == 0


COLUMNS = [
    ("audit_events", name)
    for name in (
        *("transaction_id", "id", "event_id", "application_instance_id", "event_type", "entity_type", "entity_id"),
        *("action", "actor_user_id", "actor_ip_address", "before_state", "after_state", "metadata", "created_at"),
    )
] + [
    ("audit_event_keys", name) for name in ("event_id", "created_at")
] + [
    ("audit_chain", name) for name in ("sequence", "event_id", "event_created_at", "hash", "created_at")
] + [
    ("certification_audit_log", name)
    for name in ("id", "application_instance_id", "certification_id", "sequence", "event_type", "event_data", "user_id",
                 "ip_address", "user_agent", "previous_hash", "hash", "created_at")
] + [
    ("identity_events", name)
    for name in ("id", "user_id", "event_type", "ip_network", "user_agent", "facts", "salt", "created_at")
]  # fmt: skip


def test_no_column_of_the_trail_is_forgotten_here(trail):
    with stage.superuser(trail.database) as connection:
        there = connection.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid"
            " WHERE (relnamespace = 'audit'::regnamespace OR a.attrelid = 'public.identity_events'::regclass)"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
            " AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    assert set(there) == set(COLUMNS)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_one_changed_byte_of_any_column_is_found_and_its_row_is_named(trail, changing_rows, capsys, table, column):
    (kind,) = changing_rows.sql(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        [place(table), column],
    ).fetchone()
    order = {"audit_chain": "sequence", "audit_event_keys": "created_at"}.get(table, "id")
    row = changing_rows.sql(
        f"SELECT ctid, tableoid::regclass::text AS at, * FROM {place(table)} ORDER BY {order} OFFSET 2 LIMIT 1"
    ).fetchone()
    if kind == "bigint" and column == "id":
        changing_rows.sql(f"ALTER TABLE {place(table)} ALTER COLUMN id DROP IDENTITY IF EXISTS")
    changed = CHANGED[kind].format(column)
    assert changing_rows.sql(f"UPDATE {row.at} SET {column} = {changed} WHERE ctid = %s", [row.ctid]).rowcount == 1
    code, said = verified(changing_rows.database, trail.heads, capsys)
    assert code == 1, said
    named = [line for line in said.splitlines() if line.startswith(f"TAMPERED  {table}, ")]
    # A key that was changed is known by what it was: by the event, and by its id.
    who = str(row.sequence if table == "audit_chain" else row.event_id if table == "audit_event_keys" else row.id)
    if column == "id":
        who = str(getattr(row, "event_id", row.id))
    if column in ("application_instance_id", "certification_id") and table == "certification_audit_log":
        who = str(row.id)
    assert any(who in line for line in named), f"{who} is not in\n{said}"
    assert len(said.splitlines()) < 12, said


@pytest.mark.parametrize("table", TABLES)
def test_a_row_taken_out_of_the_middle_is_named(trail, changing_rows, capsys, table):
    order = {"audit_chain": "sequence", "audit_event_keys": "created_at"}.get(table, "id")
    row = changing_rows.sql(
        f"SELECT ctid, tableoid::regclass::text AS at, * FROM {place(table)} ORDER BY {order} OFFSET 2 LIMIT 1"
    ).fetchone()
    changing_rows.sql(f"DELETE FROM {row.at} WHERE ctid = %s", [row.ctid])
    code, said = verified(changing_rows.database, trail.heads, capsys)
    assert code == 1
    assert f"TAMPERED  {table}" in said
    named = {"audit_chain": "sequence", "certification_audit_log": "id", "identity_events": "id"}.get(table, "event_id")
    assert str(getattr(row, named)) in said


def test_an_event_of_an_account_that_was_put_in_is_named(trail, tampering, capsys):
    (forged,) = tampering.sql(
        "INSERT INTO identity_events (user_id, event_type, facts, salt)"
        " SELECT user_id, event_type, facts, salt FROM identity_events ORDER BY id DESC LIMIT 1 RETURNING id"
    ).fetchone()
    code, said = verified(tampering.database, trail.heads, capsys)
    assert (code, f"TAMPERED  identity_events, id {forged}" in said) == (1, True), said
    assert "was put in" in said


def test_events_of_accounts_of_before_the_trail_held_them_are_counted_and_no_finding(trail, tampering, capsys):
    tampering.sql(
        "INSERT INTO identity_events (id, user_id, event_type) OVERRIDING SYSTEM VALUE"
        " SELECT -7, user_id, event_type FROM identity_events LIMIT 1"
    )
    code, said = verified(tampering.database, trail.heads, capsys)
    assert (code, "Note: 1 events of accounts are older" in said) == (0, True), said


def test_the_trail_tells_nothing_of_accounts_but_a_digest(trail):
    with stage.superuser(trail.database) as connection:
        rows = connection.execute(
            "SELECT actor_user_id, actor_ip_address, before_state, after_state, metadata FROM audit.audit_events"
            " WHERE entity_type = 'IdentityEvent'"
        ).fetchall()
    assert rows
    for *others, metadata in rows:
        assert others == [None] * 4
        assert metadata.keys() == {"facts"}
        assert metadata["facts"].keys() == {"account"}


def test_a_tail_that_was_cut_off_whole_is_found_by_the_heads_alone(trail, tampering, capsys):
    rows = tampering.sql("SELECT * FROM audit.audit_chain ORDER BY sequence DESC LIMIT 2").fetchall()
    for row in rows:
        tampering.sql("DELETE FROM audit.audit_chain WHERE event_id = %s", [row.event_id])
        tampering.sql("DELETE FROM audit.audit_events WHERE event_id = %s", [row.event_id])
        tampering.sql("DELETE FROM audit.audit_event_keys WHERE event_id = %s", [row.event_id])
    assert verified(tampering.database, None, capsys)[0] == 0, "nothing in the database tells it"
    code, said = verified(tampering.database, trail.heads, capsys)
    assert code == 1
    assert f"sequence {rows[-1].sequence} to {rows[0].sequence}: was cut off" in said


def test_the_end_of_a_chain_of_custody_cannot_be_cut_off_unseen(trail, tampering, capsys):
    row = tampering.sql("SELECT * FROM audit.certification_audit_log ORDER BY id DESC LIMIT 1").fetchone()
    tampering.sql("DELETE FROM audit.certification_audit_log WHERE id = %s", [row.id])
    code, said = verified(tampering.database, None, capsys)
    assert code == 1
    assert f"certification {row.certification_id}, id {row.id}" in said


def test_two_events_that_changed_places_are_named(trail, tampering, capsys):
    one, two = tampering.sql("SELECT * FROM audit.audit_events ORDER BY id OFFSET 3 LIMIT 2").fetchall()
    for row, other in ((one, two), (two, one)):
        tampering.sql(
            "UPDATE audit.audit_events SET (event_type, entity_type, entity_id, after_state) ="
            " (SELECT event_type, entity_type, entity_id, after_state FROM (VALUES (%s, %s, %s, %s::jsonb))"
            " AS v(event_type, entity_type, entity_id, after_state)) WHERE event_id = %s",
            [other.event_type, other.entity_type, other.entity_id, json.dumps(other.after_state), row.event_id],
        )
    code, said = verified(tampering.database, None, capsys)
    assert code == 1
    assert str(one.event_id) in said
    assert str(two.event_id) in said


def test_two_links_that_changed_places_are_named(trail, tampering, capsys):
    one, two = tampering.sql("SELECT * FROM audit.audit_chain ORDER BY sequence OFFSET 3 LIMIT 2").fetchall()
    for event_id, sequence in ((one.event_id, -1), (two.event_id, one.sequence), (one.event_id, two.sequence)):
        tampering.sql("UPDATE audit.audit_chain SET sequence = %s WHERE event_id = %s", [sequence, event_id])
    code, said = verified(tampering.database, None, capsys)
    assert code == 1
    assert f"sequence {one.sequence}" in said
    assert f"sequence {two.sequence}" in said


@pytest.mark.parametrize("with_key", [False, True])
def test_an_event_that_was_put_in_is_named(trail, tampering, capsys, with_key):
    row = tampering.sql("SELECT * FROM audit.audit_events ORDER BY id LIMIT 1").fetchone()
    forged = tampering.sql(
        "INSERT INTO audit.audit_events (event_id, application_instance_id, event_type, entity_type, entity_id, action,"
        " created_at) VALUES (gen_random_uuid(), %s, 'task.created', 'Task', 'x', 'create', %s) RETURNING *",
        [row.application_instance_id, row.created_at - timedelta(hours=1)],
    ).fetchone()
    if with_key:
        tampering.sql("INSERT INTO audit.audit_event_keys VALUES (%s, %s)", [forged.event_id, forged.created_at])
    code, said = verified(tampering.database, trail.heads, capsys)
    assert code == 1
    assert f"TAMPERED  audit_events, id {forged.id}, event {forged.event_id}" in said


def test_a_back_dated_event_that_the_clock_has_linked_is_named(trail, tampering, capsys, tmp_path):
    row = tampering.sql("SELECT * FROM audit.audit_events ORDER BY id LIMIT 1").fetchone()
    tampering.sql("ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER keep_event_key")
    for (partition,) in tampering.sql("SELECT inhrelid::regclass::text FROM pg_inherits"
                                      " WHERE inhparent = 'audit.audit_events'::regclass").fetchall():  # fmt: skip
        tampering.sql(f"ALTER TABLE {partition} ENABLE ALWAYS TRIGGER keep_event_key")
    forged = tampering.sql(
        "INSERT INTO audit.audit_events (event_id, application_instance_id, event_type, entity_type, entity_id, action,"
        " created_at) VALUES (gen_random_uuid(), %s, 'task.created', 'Task', 'x', 'create', %s) RETURNING *",
        [row.application_instance_id, row.created_at - timedelta(hours=1)],
    ).fetchone()
    link(stage.Stage(tampering.database, trail.stage.worker_number), tmp_path / "other.jsonl")
    code, said = verified(tampering.database, trail.heads, capsys)
    assert code == 1
    assert f"event {forged.event_id}: was linked long after" in said


def test_a_chain_that_was_rewritten_whole_does_not_fit_the_heads(trail, tampering, capsys):
    tampering.sql("UPDATE audit.audit_events SET action = 'read' WHERE id = (SELECT min(id) FROM audit.audit_events)")
    previous = b""
    for row in tampering.sql(
        f"SELECT sequence, event.* FROM audit.audit_chain JOIN (SELECT {audit_chain.FIELDS} FROM audit.audit_events)"
        " AS event USING (event_id) ORDER BY sequence"
    ).fetchall():
        previous = audit_chain.link(previous, row)
        tampering.sql("UPDATE audit.audit_chain SET hash = %s WHERE sequence = %s", [previous, row.sequence])
    assert verified(tampering.database, None, capsys)[0] == 0, "nothing in the database tells it"
    code, said = verified(tampering.database, trail.heads, capsys)
    assert code == 1
    assert "hash is not the one of the head that was kept" in said


def test_what_is_newer_than_the_newest_head_is_a_note_and_no_finding(trail, tampering, capsys, tmp_path):
    older = tmp_path / "older.jsonl"
    lines = trail.heads.read_bytes().splitlines(keepends=True)
    assert len(lines) > 2
    older.write_bytes(b"".join(lines[:-2]))
    code, said = verified(trail.database, older, capsys)
    count = json.loads(lines[-1])["sequence"] - json.loads(lines[-3])["sequence"]
    assert (code, f"{count} events are unanchored" in said) == (0, True), said


def test_heads_that_cannot_be_read_and_a_database_that_is_not_there_are_said(trail, capsys, tmp_path, monkeypatch):
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b'{"v":1}\n')
    url = stage.url_of(trail.database, "auditor")
    assert main(["audit", "verify", "--database", url, "--head", str(broken)]) == 2
    assert "line 1" in capsys.readouterr().err
    assert main(["audit", "verify", "--database", "postgresql://127.0.0.1:1/none"]) == 2
    monkeypatch.delenv("AUDITOR_DATABASE_URL", raising=False)
    assert main(["audit", "verify"]) == 2
    monkeypatch.setenv("AUDITOR_DATABASE_URL", url)
    assert main(["audit", "verify"]) == 0


def test_a_line_that_a_loss_of_power_cut_off_is_passed_over_and_the_next_begins_anew(trail, capsys, tmp_path):
    torn = tmp_path / "torn.jsonl"
    lines = trail.heads.read_bytes().splitlines(keepends=True)
    torn.write_bytes(lines[0] + lines[1][:40])
    with create_app("clock", **trail.stage.settings).app_context(), fresh_session():
        newest = audit_heads.keep_head(torn)
        assert audit_heads.keep_head(torn) is None
    assert json.loads(torn.read_bytes().splitlines()[-1])["sequence"] == newest
    code, said = verified(trail.database, torn, capsys)
    assert (code, "cut off while it was written" in said) == (0, True)
