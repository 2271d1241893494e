"""Prepared statements: what a connection has planned it need not plan again."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DataError

from app.core.database import db

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
