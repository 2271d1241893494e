"""roles.sql and guard.sql can be run as often as one likes, and between them migrations run."""

from __future__ import annotations

import pytest
from psycopg import errors

from tests import stage
from tests.migrations.conftest import fortress_in

ROLES, GUARD = ((stage.ROOT / "deploy/database" / name).read_text() for name in ("roles.sql", "guard.sql"))
MEMBER = "SELECT pg_has_role('oversing_owner', 'oversing_audit', 'MEMBER') AS member"
CATALOG = """
    SELECT concat(evtname, evtenabled, evtfoid::regproc) FROM pg_event_trigger
    UNION ALL SELECT concat(oid::regprocedure, proowner::regrole, proacl) FROM pg_proc
        WHERE pronamespace IN ('guard'::regnamespace, 'audit'::regnamespace)
    UNION ALL SELECT concat(nspname, nspowner::regrole, nspacl) FROM pg_namespace
    UNION ALL SELECT concat(tgrelid::regclass, tgname, tgenabled) FROM pg_trigger ORDER BY 1"""


def member(connection):
    return connection.execute(MEMBER).fetchone().member


def test_running_the_guard_again_changes_nothing(besieged):
    before = besieged.execute(CATALOG).fetchall()
    for _time in range(2):
        besieged.execute(GUARD)
    assert besieged.execute(CATALOG).fetchall() == before
    with pytest.raises(errors.InsufficientPrivilege):
        besieged.execute("DROP TABLE audit.audit_events")


def test_the_guard_keeps_the_owner_out_and_the_roles_let_it_in_again_for_migrations(besieged):
    assert not member(besieged)
    for _time in range(2):
        besieged.execute(ROLES)
    assert member(besieged)
    besieged.execute("SET LOCAL ROLE oversing_owner")
    besieged.execute("SET LOCAL ROLE oversing_audit")
    besieged.execute("ALTER TABLE audit.audit_events ADD COLUMN added_by_a_later_migration text")
    besieged.execute("RESET ROLE")
    for _time in range(2):
        besieged.execute(GUARD)
    assert not member(besieged)


def test_later_migrations_of_other_tables_need_no_opened_guard_and_lose_nothing_of_the_trail(play_stage, web_app):
    fortress = fortress_in("migrated", play_stage)
    before = fortress.fingerprint()
    stage.migrate(fortress.database, "0001")
    stage.migrate(fortress.database)
    after = fortress.fingerprint()
    trail = [name for name in before if name.startswith("audit.")]
    assert [name for name in trail if after[name] != before[name]] == []
    with fortress.as_role("superuser") as connection:
        assert connection.execute("SELECT count(*) AS people FROM users").fetchone().people == 0
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("TRUNCATE audit.audit_events")


def test_the_guard_is_whole_and_belongs_to_no_role_of_the_product(besieged):
    triggers = besieged.execute("SELECT evtname, evtenabled FROM pg_event_trigger").fetchall()
    functions = besieged.execute(
        "SELECT proname, proowner::regrole::text AS owner FROM pg_proc WHERE pronamespace = 'guard'::regnamespace"
    ).fetchall()
    assert {tuple(row) for row in triggers} == {("oversing_audit_ddl", "A"), ("oversing_audit_drop", "A")}
    assert {row.proname for row in functions} == {"refuse_change", "refuse_audit_ddl", "refuse_audit_drop"}
    assert not [row for row in functions if row.owner.startswith("oversing")]
