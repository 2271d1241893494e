"""The models and the migrated tables are the same: columns, types, what may be empty."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import Float, Numeric
from sqlalchemy.dialects import postgresql

import app.models  # noqa: F401 every model is in the metadata
from app.core import audit, certification_log, idempotency, mails, outbox, sealing  # noqa: F401 and so are their tables
from app.core.database import Base
from tests.structure.sources import for_each

TABLES = dict(Base.metadata.tables)

# Columns that only the database uses.
OF_THE_DATABASE = {("audit.audit_events", "transaction_id")}

# The dialect sends a value as the type of its column: a number that is sent narrower than it is kept breaks one day.
FITS = {
    "text": ("text", "character varying"),
    "varchar": ("text", "character varying"),
    "bigint": ("bigint", "integer"),
    "timestamp with time zone": ("timestamp with time zone",),
}
UNMODELLED = {
    *("alembic_version", "runcible.certification_transitions", "audit.audit_chain", "audit.audit_event_keys"),
    "audit_heads",
}

COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
    FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"""


@pytest.fixture(scope="module")
def columns(play_stage):
    """The columns of a table as the database has them: name to type and whether it must be filled."""
    with psycopg.connect(play_stage.url("superuser"), autocommit=True) as connection:
        yield lambda table: {name: (kind, needed) for name, kind, needed in connection.execute(COLUMNS, [table])}


@for_each(name=sorted(TABLES))
def test_a_model_has_the_columns_of_its_table(columns, name):
    there = {column for column in columns(name) if (name, column) not in OF_THE_DATABASE}
    assert {column.name for column in TABLES[name].columns} == there


@for_each(name=sorted(TABLES))
def test_a_column_has_the_type_of_the_database(columns, name):
    there = columns(name)
    for column in TABLES[name].columns:
        told, kept = column.type.compile(postgresql.dialect()).lower(), there[column.name][0]
        length = kept.replace("character varying", "varchar")
        assert told == length or kept.partition("(")[0] in FITS.get(told, (told,)), f"{column.name}: {told}, {kept}"


# The trail is written by one function each, and the database checks what that writes.
@for_each(name=sorted(name for name in TABLES if not name.startswith("audit.")))
def test_a_column_that_must_be_filled_says_so_in_both_places(columns, name):
    there = columns(name)
    for column in TABLES[name].columns:
        assert column.nullable is not there[column.name][1], column.name


@for_each(name=sorted(TABLES))
def test_money_is_never_a_binary_fraction(name):
    for column in TABLES[name].columns:
        assert not isinstance(column.type, Float) or isinstance(column.type, Numeric), column.name


@for_each(name=sorted(TABLES))
def test_a_moment_knows_its_zone(columns, name):
    assert [column for column, (kind, _needed) in columns(name).items() if kind == "timestamp without time zone"] == []


def test_every_table_of_the_database_has_a_model_or_is_named_here(play_stage):
    with psycopg.connect(play_stage.url("superuser"), autocommit=True) as connection:
        rows = connection.execute("""
            SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('public', 'runcible', 'audit') AND c.relkind IN ('r', 'p') AND NOT c.relispartition""")
        assert {name for (name,) in rows} - UNMODELLED == set(TABLES)
