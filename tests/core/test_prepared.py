"""Prepared statements: what a connection has planned it need not plan again."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DataError, NotSupportedError
from sqlalchemy.pool import QueuePool

from app.core.database import db
from app.core.pool import watch

THRESHOLD = 5  # psycopg prepares what it has sent so often


def times_planned_or_reused(connection, statement):
    """How often the server has carried out `statement` as a prepared one; None where it was not prepared."""
    query = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = %s"
    return connection.exec_driver_sql(query, (statement,)).scalar()


def test_a_refusal_leaves_what_was_prepared_as_it_was(app):
    asked = "SELECT 'asked often'"
    with db.engine.connect() as connection:
        for _ in range(THRESHOLD + 1):
            connection.exec_driver_sql(asked)
        connection.rollback()
        assert connection.exec_driver_sql(asked).scalar() == "asked often"
        assert times_planned_or_reused(connection, asked) == 2


def test_several_hundred_statements_have_room_on_one_connection(app):
    asked = [f"SELECT 'one of many', {number}" for number in range(300)]
    with db.engine.connect() as connection:
        for statement in asked * (THRESHOLD + 1):
            connection.exec_driver_sql(statement)
        assert times_planned_or_reused(connection, asked[0]) == 1
        assert times_planned_or_reused(connection, asked[-1]) == 1


def test_a_statement_that_fails_is_no_hindrance_to_itself_later(app):
    asked = "SELECT 1 / %s::int"
    with db.engine.connect() as connection:
        for _ in range(THRESHOLD + 1):
            connection.exec_driver_sql(asked, (1,))
        with pytest.raises(DataError):
            connection.exec_driver_sql(asked, (0,))
        connection.rollback()
        assert connection.exec_driver_sql(asked, (1,)).scalar() == 1


def test_a_table_that_a_migration_has_changed_is_asked_anew(app):
    """Its old plan fails for ever: once only, as the connection that holds it is given up."""
    engine = create_engine(db.engine.url, poolclass=QueuePool, pool_size=1)
    watch(engine)
    asked = "SELECT size FROM pg_temp.sizes"
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE sizes (size integer)")
        for _ in range(THRESHOLD + 1):
            connection.exec_driver_sql(asked)
        connection.exec_driver_sql("ALTER TABLE pg_temp.sizes ALTER size TYPE bigint")
        connection.commit()
    with engine.connect() as connection, pytest.raises(NotSupportedError, match="cached plan"):
        connection.exec_driver_sql(asked)
    with engine.connect() as connection:
        held = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", (asked,))
        assert held.scalar() == 0
    engine.dispose()
