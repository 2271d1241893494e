"""What the database itself says of its walls: read from its catalog, so that a new table cannot forget one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import stage

WORKING = ("oversing_app", "oversing_signer", "oversing_clock", "oversing_auditor")
OURS = (*WORKING, "oversing_owner", "oversing_audit")
SCHEMAS = ["public", "runcible", "audit", "guard"]

# Tables that belong to no organisation, and why.
WITHOUT_TENANT = {
    "alembic_version": "which migrations have run",
    "application_instances": "the organisations themselves, found by their slug",
    "users": "people, who may belong to several organisations",
    "user_avatars": "pictures of people, each sealed under a key of its own",
    "user_sessions": "browsers, before any organisation is entered",
    "identity_events": "what happened to people, in no organisation",
    "known_devices": "browsers of people",
    "passkeys": "how people sign in, in no organisation",
    "password_resets": "links of people who may belong nowhere",
    "recovery_codes": "how people sign in, in no organisation",
    "totp_secrets": "how people sign in, in no organisation",
    "sign_ups": "organisations that are not made yet",
    "sign_in_attempts": "counters under hashes, before anybody is known",
    "mails": "sealed, each under a key of its own: who has forgotten a password may be in no organisation",
    "runcible.certification_counters": "numbers are one sequence for all",
    "runcible.certification_transitions": "a rule, the same for all",
    "audit_heads": "signed hashes over the events of all",
    "audit.audit_event_keys": "ids and moments, so that an event is there once",
    "audit.audit_chain": "hashes over the events of all",
}

# Every policy that shows rows otherwise than by the current organisation: table, policy, roles, commands.
OTHER_POLICIES = {
    ("application_instance_users", "own", "oversing_app", "r"): "where one belongs oneself, by oversing.user",
    ("api_keys", "presented", "oversing_app", "r"): "the one key whose hash is presented",
    ("invitations", "presented", "oversing_app", "r"): "the one invitation whose token is presented",
    ("outbox", "nobodys", "oversing_app", "*"): "mails belong to no organisation: for the worker that has entered none",
    ("outbox", "for_nobody", "oversing_app", "a"): "whoever causes a mail may put it here, and see it no more",
    ("outbox", "clock_select", "oversing_clock", "r"): "the relay hands over the work of all; rows hold ids only",
    ("outbox", "clock_update", "oversing_clock", "w"): "the relay",
    ("outbox", "clock_delete", "oversing_clock", "d"): "clearing up",
    ("idempotency_keys", "clock_select", "oversing_clock", "r"): "clearing up; it may read the time only",
    ("idempotency_keys", "clock_delete", "oversing_clock", "d"): "clearing up",
    ("shared_texts", "clock_select", "oversing_clock", "r"): "clearing up; it may read when, and who by number",
    ("shared_texts", "clock_delete", "oversing_clock", "d"): "clearing up",
    ("audit_export_parts", "clock_select", "oversing_clock", "r"): "clearing up; it may read the time only",
    ("audit_export_parts", "clock_delete", "oversing_clock", "d"): "clearing up",
    ("audit.audit_events", "chain", "oversing_clock", "r"): "the chain goes over the events of all",
    ("audit.audit_events", "auditor", "oversing_auditor", "r"): "the auditor reads all trails",
    ("audit.audit_events", "requests", "oversing_audit", "r"): "audit.events_of_request, for one organisation",
    ("audit.certification_audit_log", "auditor", "oversing_auditor", "r"): "the auditor reads all trails",
}

# Unique keys without the organisation: each holds something that nobody else can guess or choose.
GLOBAL_KEYS = {
    "api_keys_secret_hash_key": "256 random bits",
    "certifications_certification_number_key": "numbers are given out, never chosen",
    "invitations_token_hash_key": "256 random bits",
    "llm_output_versions_parent_certification_id_version_number_key": "under a certification of the organisation",
    "workflow_states_workflow_id_idx": "under a workflow of the organisation",
}

# What the processes beside the application may read and write at all: whoever takes one of them over gets no more.
GRANTED = {
    "oversing_auditor": {
        "SELECT": {
            *("application_instances", "audit.audit_chain", "audit.audit_events", "audit.certification_audit_log"),
            *("audit.audit_event_keys", "audit_heads", "identity_events", "runcible.certification_transitions"),
        },
    },
    "oversing_clock": {
        "SELECT": {
            *("alembic_version", "application_instances", "audit.audit_chain", "audit.audit_events", "outbox"),
            *("audit_heads", "sign_in_attempts"),
        },
        "UPDATE": {"outbox"},
        "DELETE": {
            *("audit_export_parts", "idempotency_keys", "known_devices", "outbox", "password_resets"),
            *("shared_texts", "sign_in_attempts", "sign_ups", "user_sessions"),
        },
    },
    "oversing_signer": {
        "SELECT": {
            *("application_instance_keys", "application_instances", "audit.audit_events", "outbox", "record_keys"),
            *("audit.certification_audit_log", "runcible.certification_transitions", "runcible.certifications"),
            *("runcible.governance_policies", "runcible.governance_policy_versions", "tasks"),
            *("audit.audit_chain", "audit_heads"),
        },
        "INSERT": {"outbox", "record_keys"},
        "UPDATE": {"outbox", "runcible.certifications"},
    },
}

TABLES = """
    SELECT c.oid, c.oid::regclass::text AS name, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
           EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'application_instance_id'
                   AND NOT a.attisdropped) AS has_tenant,
           (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p') ORDER BY name"""

OWNED = """
    SELECT mine.owner::regrole::text, mine.thing FROM (
        SELECT relowner, oid::regclass::text FROM pg_class
        UNION ALL SELECT proowner, oid::regprocedure::text FROM pg_proc
        UNION ALL SELECT nspowner, nspname FROM pg_namespace
        UNION ALL SELECT datdba, datname FROM pg_database
        UNION ALL SELECT member, roleid::regrole::text FROM pg_auth_members
    ) AS mine (owner, thing) WHERE mine.owner::regrole::text = ANY(%s)"""


@pytest.fixture
def catalog(play_stage) -> Iterator[Any]:
    """Ask the catalog: `catalog(query, ...)` gives its rows."""
    with psycopg.connect(play_stage.url("superuser"), autocommit=True) as connection:
        yield lambda query, *given: connection.execute(query, given).fetchall()


def test_every_table_belongs_to_an_organisation_or_says_why_not(catalog):
    without = {row[1] for row in catalog(TABLES, SCHEMAS) if not row[5]}
    assert without == set(WITHOUT_TENANT)


def test_every_table_of_organisations_is_behind_the_wall_its_owner_too(catalog):
    tables = [row for row in catalog(TABLES, SCHEMAS) if row[5]]
    assert len(tables) > 20
    for _oid, name, is_partition, enabled, forced, _has_tenant, policies in tables:
        assert enabled, name
        assert forced, name
        assert is_partition or policies, f"{name} has no policy"


def test_every_policy_goes_by_the_current_organisation_or_stands_here(catalog):
    rows = catalog("""
        SELECT p.polrelid::regclass::text, p.polname, p.polcmd,
               (SELECT string_agg(r.rolname, ' ' ORDER BY r.rolname) FROM pg_roles r WHERE r.oid = ANY(p.polroles)),
               pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
        FROM pg_policy p""")
    others = set()
    for table, policy, command, roles, shows, takes in rows:
        if policy == "tenant":
            assert "oversing.tenant" in shows, table
            assert takes == shows, table
        else:
            others.add((table, policy, roles, command))
    assert others == set(OTHER_POLICIES)


def test_a_partition_is_reached_through_its_parent_only(catalog):
    """The policy of the parent does not hold where a partition is asked directly."""
    granted = catalog("""
        SELECT c.oid::regclass::text, acl.grantee::regrole::text, acl.privilege_type
        FROM pg_class c, aclexplode(c.relacl) acl
        WHERE c.relispartition AND acl.grantee <> c.relowner""")
    partitions = [row for row in catalog(TABLES, SCHEMAS) if row[2]]
    assert len(partitions) >= 8
    assert granted == []


def test_no_role_can_step_around_the_wall(catalog):
    rows = catalog(
        """SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication
           FROM pg_roles WHERE rolname = ANY(%s)""",
        list(OURS),
    )
    assert {row[0] for row in rows} == set(OURS)
    assert [row[0] for row in rows if any(row[1:])] == []


def test_who_works_with_the_data_owns_none_of_it_and_is_nobody_else(catalog):
    owned = catalog(OWNED, list(WORKING))
    assert owned == []


def test_nobody_but_the_owner_makes_anything_in_the_database(catalog):
    for role in WORKING:
        for schema in SCHEMAS:
            [[may]] = catalog("SELECT has_schema_privilege(%s, %s, 'CREATE')", role, schema)
            assert not may, f"{role} may create in {schema}"


def test_the_superusers_file_takes_temporary_tables_away():
    """A temporary table or function of one's own can stand in the place of a real one. Grants are no part of a copy."""
    database = stage.copy("without_temporary_tables")
    with stage.superuser(database) as connection:
        connection.execute((stage.ROOT / "deploy/database/guard.sql").read_text())
    for role in ("app", "signer", "clock", "auditor"):
        with psycopg.connect(stage.url_of(database, role)) as connection:
            connection.read_only = False
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TEMP TABLE tasks (id uuid)")


def test_no_grant_is_wider_than_reading_and_writing_rows(catalog):
    granted = catalog(
        """SELECT c.oid::regclass::text, acl.grantee, acl.privilege_type, acl.is_grantable
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) acl
           WHERE n.nspname = ANY(%s) AND acl.grantee <> c.relowner""",
        SCHEMAS,
    )
    assert granted
    assert [row for row in granted if row[1] == 0] == [], "granted to everybody"
    assert [row for row in granted if row[2] not in ("SELECT", "INSERT", "UPDATE", "DELETE", "USAGE")] == []
    assert [row for row in granted if row[3]] == [], "may be granted on"


@pytest.mark.parametrize("role", sorted(GRANTED))
def test_a_process_beside_the_application_has_the_grants_it_needs(catalog, role):
    """Grants on whole tables; single columns come on top (the trail is written so)."""
    rows = catalog(
        """SELECT c.oid::regclass::text, acl.privilege_type FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) acl
           WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p') AND acl.grantee = %s::regrole""",
        SCHEMAS,
        role,
    )
    granted: dict[str, set[str]] = {}
    for table, privilege in rows:
        granted.setdefault(privilege, set()).add(table)
    assert granted == GRANTED[role]


def test_nobody_changes_what_is_for_ever(catalog):
    """No grant to update or delete in the audit trail, in versions of policies and outputs, in certifications."""
    forever = ["audit.audit_events", "audit.certification_audit_log", "audit.audit_chain", "audit.audit_event_keys"]
    for_good = ["runcible.governance_policy_versions", "runcible.llm_output_versions"]
    for role in WORKING:
        for table in (*forever, *for_good):
            [[may]] = catalog("SELECT has_table_privilege(%s, %s, 'UPDATE, DELETE, TRUNCATE')", role, table)
            [[some]] = catalog("SELECT has_any_column_privilege(%s, %s, 'UPDATE')", role, table)
            assert not may, f"{role} on {table}"
            assert not some, f"{role} on columns of {table}"
        [[may]] = catalog("SELECT has_table_privilege(%s, 'runcible.certifications', 'DELETE, TRUNCATE')", role)
        assert not may, role


def test_a_function_that_acts_as_its_owner_acts_as_nobody_mighty(catalog):
    """SECURITY DEFINER: never as a superuser outside of the guard, with a fixed search path, and not for everybody."""
    rows = catalog("""
        SELECT p.oid::regprocedure::text, n.nspname, r.rolsuper, r.rolname, p.proconfig,
               has_function_privilege('public', p.oid, 'EXECUTE')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
        WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')""")
    assert len(rows) >= 3
    for name, schema, is_super, owner, settings, for_everybody in rows:
        assert schema == "guard" or not is_super, f"{name} acts as {owner}"
        assert any(each.startswith("search_path=") for each in settings or []), name
        assert not for_everybody, name


def test_a_view_shows_what_its_reader_may_see(catalog):
    rows = catalog(
        """SELECT c.oid::regclass::text, coalesce(c.reloptions, '{}') FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY(%s) AND c.relkind IN ('v', 'm')""",
        SCHEMAS,
    )
    assert [name for name, options in rows if "security_invoker=true" not in options] == []


def test_a_reference_never_leads_to_another_organisation(catalog):
    """Foreign keys look past row security: between tables of organisations they hold the organisation as well."""
    rows = catalog("""
        SELECT k.conname, k.conrelid::regclass::text, k.confrelid::regclass::text,
               ARRAY(SELECT a.attname FROM unnest(k.conkey) c JOIN pg_attribute a
                     ON a.attrelid = k.conrelid AND a.attnum = c)
        FROM pg_constraint k WHERE k.contype = 'f'""")
    tenants = {row[1] for row in catalog(TABLES, SCHEMAS) if row[5]}
    between = [row for row in rows if row[1] in tenants and row[2] in tenants]
    assert len(between) > 15
    assert [row[0] for row in between if "application_instance_id" not in row[3]] == []


def test_a_unique_key_tells_nothing_of_other_organisations(catalog):
    """Whoever is told that a value is taken learns that somebody has it: so values are unique per organisation."""
    rows = catalog("""
        SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, i.indisprimary,
               ARRAY(SELECT a.attname FROM unnest(i.indkey) k JOIN pg_attribute a
                     ON a.attrelid = i.indrelid AND a.attnum = k)
        FROM pg_index i WHERE i.indisunique""")
    tenants = {row[1] for row in catalog(TABLES, SCHEMAS) if row[5] and not row[2]}
    found = {
        index.rpartition(".")[2]
        for index, table, is_primary, columns in rows
        if table in tenants and not is_primary and "application_instance_id" not in columns
    }
    assert found == set(GLOBAL_KEYS)


def test_the_database_keeps_every_text_as_it_is(catalog):
    [[encoding]] = catalog("SHOW server_encoding")
    assert encoding == "UTF8"
