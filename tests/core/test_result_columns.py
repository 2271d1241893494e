"""What columns are called is found out for whoever asks, and for nobody else."""

from __future__ import annotations

import psycopg
from psycopg import _cursor_base
from sqlalchemy import literal, select

from app.core.database import db


def test_columns_are_described_once_for_a_statement_that_is_asked_often(app, monkeypatch):
    described = []

    def column(cursor, index):
        described.append(index)
        return psycopg.Column(cursor, index)

    asked = select(literal(1).label("one"), literal("b").label("two_of_them"))
    with db.engine.connect() as connection:
        monkeypatch.setattr(_cursor_base, "Column", column)
        for _ in range(3):
            assert connection.execute(asked).one()._asdict() == {"one": 1, "two_of_them": "b"}
    assert described == [0, 1]


def test_whoever_writes_sql_gets_the_names_that_it_gives(app):
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1 AS one, 2 AS two").mappings().one() == {"one": 1, "two": 2}
        assert connection.exec_driver_sql("SELECT").all() == [()]
        assert not connection.exec_driver_sql("SET LOCAL work_mem = '8MB'").returns_rows
