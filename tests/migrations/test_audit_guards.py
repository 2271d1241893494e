"""Nobody changes the audit trail: no role of the product, and no superuser without taking the guards down first."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

ROLES = ("app", "owner", "signer", "clock", "auditor")

# Each is tried on every table of the trail and on every partition.
ATTEMPTS = {
    "change a row": "UPDATE {table} SET created_at = created_at - interval '1 day'",
    "change nothing": "UPDATE {table} SET created_at = created_at WHERE false",
    "take rows out": "DELETE FROM {table}",
    "empty it": "TRUNCATE {table}",
    "empty it with all that hangs on it": "TRUNCATE {table} CASCADE",
    "drop it": "DROP TABLE {table}",
    "drop it with all that hangs on it": "DROP TABLE {table} CASCADE",
    "add a column": "ALTER TABLE {table} ADD COLUMN note text",
    "drop a column": "ALTER TABLE {table} DROP COLUMN created_at",
    "rename it": "ALTER TABLE {table} RENAME TO old",
    "move it": "ALTER TABLE {table} SET SCHEMA public",
    "own it": "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "switch the triggers off": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "switch one trigger off": "ALTER TABLE {table} DISABLE TRIGGER refuse_truncate",
    "drop a trigger": "DROP TRIGGER refuse_truncate ON {table}",
    "switch row security off": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "loosen row security": "CREATE POLICY open ON {table} USING (true)",
    "swallow what comes": "CREATE RULE swallow AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "let changes pass by a rule": "CREATE RULE pass AS ON UPDATE TO {table} DO INSTEAD SELECT 1",
    "change rows as they come": "CREATE TRIGGER forge BEFORE INSERT ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "inherit from it": "CREATE TABLE public.heir () INHERITS ({table})",
    "lock everybody out": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
}
# Each is tried once.
ONCE = {
    "detach a partition": "ALTER TABLE audit.audit_events DETACH PARTITION audit.audit_events_default",
    "attach a partition": "CREATE TABLE public.evil PARTITION OF audit.audit_events"
    " FOR VALUES FROM ('1999-01-01') TO ('1999-02-01')",
    "rename the schema": "ALTER SCHEMA audit RENAME TO old_audit",
    "drop the schema": "DROP SCHEMA audit CASCADE",
    "drop the guard": "DROP SCHEMA guard CASCADE",
    "rename the guard": "ALTER SCHEMA guard RENAME TO asleep",
    "own the schema": "ALTER SCHEMA audit OWNER TO CURRENT_USER",
    "make a table beside it": "CREATE TABLE audit.beside (id int)",
    "replace the guard": "CREATE OR REPLACE FUNCTION guard.refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "drop the guard's function": "DROP FUNCTION guard.refuse_change() CASCADE",
    "replace the key keeper": "CREATE OR REPLACE FUNCTION audit.keep_event_key() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "set the ids back": "ALTER SEQUENCE audit.audit_events_id_seq RESTART WITH 1",
    "set the ids back by function": "SELECT setval('audit.audit_events_id_seq', 1)",
    "drop all that it owns": "DROP OWNED BY oversing_audit CASCADE",
    "become its owner": "SET ROLE oversing_audit",
    "call the partition guard": "SELECT audit.guard_partition('audit_events_default')",
}
FOR_NO_ROLE = {
    "switch the event trigger off": "ALTER EVENT TRIGGER oversing_audit_ddl DISABLE",
    "drop the event trigger": "DROP EVENT TRIGGER oversing_audit_drop",
    "step around the triggers": "SET session_replication_role = replica",
    "step around them for ever": "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
    "switch event triggers off": "SET event_triggers = off",
    "join its owner": "GRANT oversing_audit TO CURRENT_USER",
    "become a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
}
# What PostgreSQL answers: no privilege; or this kind of table does not take that; or there is no such thing to change.
REFUSALS = (
    errors.InsufficientPrivilege,
    errors.WrongObjectType,
    errors.UndefinedObject,
    errors.DuplicateObject,
    errors.InvalidTableDefinition,
)
LINK = "INSERT INTO audit.audit_chain (sequence, event_id, event_created_at, hash) VALUES (%s, %s, now(), 'x')"


@pytest.fixture(scope="module")
def unharmed(fortress):
    """After all attempts of this file, nothing has changed."""
    before = fortress.fingerprint()
    yield
    assert fortress.fingerprint() == before


@pytest.fixture(scope="module", params=ROLES)
def role(request, fortress, unharmed):
    with fortress.as_role(request.param) as connection:
        yield connection


def refused(connection, statement):
    """Whether the statement was refused; what it would have done is undone."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except REFUSALS:
        return True
    return False


def not_refused(connection, attempts, tables=("",)):
    """What was tried, on which table, and was let through."""
    return [
        (attempt, table)
        for attempt, statement in attempts.items()
        for table in tables
        if not refused(connection, statement.format(table=table))
    ]


def test_no_role_touches_any_table_of_the_trail(role, fortress):
    tables = fortress.tables()
    assert len(tables) >= 14
    assert not_refused(role, ATTEMPTS, tables) == []


def test_no_role_touches_what_holds_the_trail(role):
    assert not_refused(role, ONCE | FOR_NO_ROLE) == []


def test_nobody_can_give_away_what_they_do_not_have(role, fortress):
    granted = "SELECT has_table_privilege('public', %s, 'UPDATE, DELETE, TRUNCATE') AS granted"
    for table in fortress.tables():
        if not refused(role, f"GRANT UPDATE, DELETE, TRUNCATE ON {table} TO PUBLIC"):
            with role.transaction(force_rollback=True):
                role.execute(f"GRANT UPDATE, DELETE, TRUNCATE ON {table} TO PUBLIC")
                assert not role.execute(granted, [table]).fetchone().granted, table


def insert(connection, table="audit.audit_events", into="", overriding="", **given):
    """Insert an event with these columns besides the usual ones."""
    row = {
        "event_id": uuid4(), "application_instance_id": tenant(connection), "event_type": "task.created",
        "entity_type": "Task", "entity_id": "x", "action": "create",
    } | given  # fmt: skip
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    return connection.execute(f"INSERT INTO {table} ({names}) {overriding} VALUES ({places}) {into}", row)


def tenant(connection):
    return connection.execute("SELECT current_setting('oversing.tenant')::uuid AS id").fetchone().id


@pytest.fixture(params=["app", "signer"])
def writer(request, fortress):
    """A role that writes events, in a transaction that is rolled back."""
    with fortress.as_role(request.param) as connection, connection.transaction(force_rollback=True):
        yield connection


def test_who_writes_events_can_write_them(writer):
    assert insert(writer).rowcount == 1


@pytest.mark.parametrize(
    "forged",
    [{"created_at": "2020-01-01 00:00:00+00"}, {"created_at": "2099-01-01 00:00:00+00"}, {"id": 1},
     {"id": 1, "overriding": "OVERRIDING SYSTEM VALUE"}, {"id": 1, "overriding": "OVERRIDING USER VALUE"},
     {"transaction_id": "3"}, {"into": "RETURNING transaction_id, id"}],
    ids=["back-dated", "in the future", "own id", "own id, insisting", "own id, by the way", "other transaction",
         "read back"],
)  # fmt: skip
def test_what_the_database_sets_nobody_else_sets(writer, forged):
    if "into" in forged:
        assert insert(writer, **forged).fetchone().id > 0, "reading one's own row back is no forgery"
        return
    with pytest.raises((errors.InsufficientPrivilege, errors.GeneratedAlways)):
        insert(writer, **forged)


def test_time_and_transaction_are_those_of_the_database(writer):
    row = insert(writer, into="RETURNING created_at, transaction_id::text, clock_timestamp() AS now,"
                             " pg_current_xact_id()::text AS own").fetchone()  # fmt: skip
    assert abs((row.now - row.created_at).total_seconds()) < 1
    assert row.transaction_id == row.own


def test_an_event_of_another_organisation_cannot_be_written(writer):
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        insert(writer, application_instance_id=uuid4())


def test_an_event_is_not_written_twice(writer):
    event_id = uuid4()
    insert(writer, event_id=event_id)
    with pytest.raises(errors.UniqueViolation):
        insert(writer, event_id=event_id)


def test_an_existing_event_cannot_be_written_over(writer):
    with pytest.raises((errors.InsufficientPrivilege, errors.InvalidColumnReference)):
        insert(writer, into="ON CONFLICT (id, created_at) DO UPDATE SET action = 'read'")


def test_no_partition_can_be_written_to_or_read_behind_its_parent(fortress, role):
    with fortress.as_role("superuser") as connection:
        partitions = [row.name for row in connection.execute(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relispartition AND relkind = 'r'"
            " AND relnamespace = 'audit'::regnamespace"
        )]  # fmt: skip
    assert len(partitions) >= 10
    for partition in partitions:
        assert refused(role, f"SELECT * FROM {partition}"), partition
        assert refused(role, f"INSERT INTO {partition} DEFAULT VALUES"), partition


def test_the_chain_of_custody_cannot_be_back_dated_either(writer, fortress):
    row = {"application_instance_id": fortress.tenant_id, "certification_id": uuid4(), "sequence": 1,
           "event_type": "created", "hash": b"x"}  # fmt: skip
    for forged in ({"created_at": "2020-01-01"}, {"id": 1}):
        given = row | forged
        places = ", ".join(f"%({name})s" for name in given)
        statement = (
            f"INSERT INTO audit.certification_audit_log ({', '.join(given)}) OVERRIDING SYSTEM VALUE VALUES ({places})"
        )
        with pytest.raises(errors.InsufficientPrivilege), writer.transaction():
            writer.execute(statement, given)


@pytest.mark.parametrize("who", ["app", "signer", "owner", "auditor"])
def test_only_the_clock_adds_links(fortress, who):
    with fortress.as_role(who) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(LINK, [1_000_000, uuid4()])


@pytest.mark.parametrize("who", ["clock", "auditor", "owner"])
def test_only_app_and_signer_write_events(fortress, who):
    with fortress.as_role(who) as connection, pytest.raises(errors.InsufficientPrivilege):
        insert(connection)


def test_the_clock_cannot_forge_a_link_or_its_time(fortress):
    with fortress.as_role("clock") as connection:
        first = connection.execute("SELECT * FROM audit.audit_chain ORDER BY sequence LIMIT 1").fetchone()
        with pytest.raises(errors.UniqueViolation):
            connection.execute(LINK, [first.sequence, uuid4()])
        with pytest.raises(errors.UniqueViolation):
            connection.execute(LINK, [1_000_000, first.event_id])
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(LINK.replace("hash)", "hash, created_at)").replace("'x'", "'x', now()"), [7, uuid4()])


def test_the_owner_cannot_hand_out_settings_that_switch_the_guards_off(fortress):
    with fortress.as_role("owner") as connection:
        for setting in ("session_replication_role = replica", "event_triggers = off"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(f"ALTER DATABASE {fortress.database} SET {setting}")


# --- a superuser ---


@pytest.fixture(params=["origin", "replica"])
def superuser(request, fortress, unharmed):
    """Somebody who may do anything, also with ordinary triggers switched off."""
    with fortress.as_role("superuser") as connection:
        connection.execute(f"SET session_replication_role = {request.param}")
        yield connection


# Without rows there is nothing that a row trigger could refuse; a lock passes; a child takes nothing away.
NEEDS_ROWS = ("change a row", "take rows out")
HARMLESS = ("change nothing", "lock everybody out", "inherit from it")
# Who may do this may as well drop the event triggers themselves: the chain is there for that.
NOT_STOPPED = ("drop the guard", "become its owner", "set the ids back by function")


def test_a_superuser_is_stopped_by_triggers_and_event_triggers(superuser, fortress):
    tables = fortress.tables()
    filled = [table for table in tables if superuser.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()]
    assert len(filled) >= 6
    assert not_refused(superuser, {name: ATTEMPTS[name] for name in NEEDS_ROWS}, filled) == []
    others = {name: sql for name, sql in ATTEMPTS.items() if name not in (*NEEDS_ROWS, *HARMLESS)}
    assert not_refused(superuser, others, tables) == []


def test_a_superuser_is_stopped_here_too(superuser):
    assert not_refused(superuser, {name: sql for name, sql in ONCE.items() if name not in NOT_STOPPED}) == []


def test_what_is_not_the_trail_is_not_in_the_way(fortress):
    """The guards must not stop a migration of other tables, whatever they are called."""
    with fortress.as_role("owner") as connection, connection.transaction(force_rollback=True):
        for statement in (
            "CREATE TABLE auditions (id int, audit text, guard text)",
            "CREATE VIEW audits AS SELECT audit FROM auditions",
            "ALTER TABLE auditions ADD COLUMN audited_at timestamptz",
            "CREATE INDEX audit ON auditions (audit)",
            "DROP INDEX audit",
            "DROP VIEW audits",
            "ALTER TABLE auditions DROP COLUMN audit",
            "ALTER TABLE auditions DROP COLUMN guard",
            "DROP TABLE auditions",
        ):
            connection.execute(statement)


def test_every_trigger_of_the_trail_fires_always(fortress):
    with fortress.as_role("superuser") as connection:
        tired = connection.execute("""
            SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
            WHERE c.relnamespace = 'audit'::regnamespace AND NOT tgisinternal AND tgenabled <> 'A'""").fetchall()
        unguarded = connection.execute("""
            SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'audit'::regnamespace
            AND c.relkind IN ('r', 'p') AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid
            AND tgname IN ('refuse_change', 'refuse_truncate') AND tgenabled = 'A') < 2""").fetchall()
    assert (tired, unguarded) == ([], [])


def test_the_trail_belongs_to_somebody_who_cannot_log_in(fortress):
    with fortress.as_role("superuser") as connection:
        owner = connection.execute("SELECT * FROM pg_roles WHERE rolname = 'oversing_audit'").fetchone()
        members = connection.execute(
            "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'oversing_audit'::regrole"
        ).fetchall()
        strays = connection.execute("""
            SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'audit'::regnamespace
            AND relowner <> 'oversing_audit'::regrole""").fetchall()
        open_functions = connection.execute("""
            SELECT p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace = 'audit'::regnamespace
            AND has_function_privilege('public', p.oid, 'EXECUTE')""").fetchall()
        unsettled = connection.execute("""
            SELECT p.oid::regprocedure::text FROM pg_proc p
            WHERE pronamespace IN ('audit'::regnamespace, 'guard'::regnamespace) AND proconfig IS NULL""").fetchall()
    assert (owner.rolcanlogin, owner.rolsuper, owner.rolbypassrls) == (False, False, False)
    assert (members, strays, open_functions, unsettled) == ([], [], [], [])
    with pytest.raises(psycopg.OperationalError), fortress.as_role("audit"):
        pass
