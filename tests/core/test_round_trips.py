"""Statements that travel together: carried out as they were asked for, and all of them or none."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import Integer, MetaData, bindparam, create_engine, literal_column, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app.core.audit import audit_events, taking
from app.core.database import db
from app.core.pool import watch
from app.core.round_trips import rows_along, send_along

PREPARED = 6  # psycopg prepares what it has sent so often, and only then it travels with others
KEEP = text("INSERT INTO kept VALUES (:number)")
COUNT = select(literal_column("count(*)")).select_from(text("kept"))
DOUBLE = select(bindparam("number", type_=Integer) * 2)


@pytest.fixture
def engine(app):
    """A pool of one connection, which has a table of its own and has prepared what the tests ask."""
    engine = create_engine(db.engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0)
    watch(engine)
    with Session(engine) as session:
        session.execute(text("CREATE TEMPORARY TABLE kept (number integer UNIQUE)"))
        for number in range(PREPARED):
            send_along(session, KEEP, {"number": number})
            rows_along(session, DOUBLE, {"number": number})
            session.connection().execute(COUNT)
        session.execute(text("DELETE FROM kept"))
        session.commit()
    yield engine
    engine.dispose()


def waiting(session):
    return len(session.connection().connection.driver_connection.joining)


def test_what_waits_is_carried_out_before_the_next_statement(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        send_along(session, KEEP, {"number": 1})
        send_along(session, KEEP, {"number": 2})
        assert waiting(session) == 2
        assert session.connection().execute(COUNT).scalar() == 2
        assert waiting(session) == 0


def test_the_first_statement_of_a_transaction_brings_its_beginning_along(engine):
    with Session(engine) as session:
        assert session.connection().execute(COUNT).scalar() == 0
        send_along(session, KEEP, {"number": 1})
        session.connection().execute(COUNT)
        session.rollback()
        assert session.connection().execute(COUNT).scalar() == 0


def test_a_commit_takes_along_what_waits(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        send_along(session, KEEP, {"number": 1})
        session.commit()
        assert session.connection().execute(COUNT).scalar() == 1


def test_a_rollback_forgets_what_waits(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        send_along(session, KEEP, {"number": 1})
        doubled = rows_along(session, DOUBLE, {"number": 4})
        session.rollback()
        assert session.connection().execute(COUNT).scalar() == 0
        assert doubled.all() == ()


def test_rows_are_read_later_each_by_who_asked_for_them(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        four, ten = (rows_along(session, DOUBLE, {"number": number}) for number in (2, 5))
        assert session.connection().execute(COUNT).scalar() == 0
        assert (four.all(), ten.all()) == ([(4,)], [(10,)])


def test_who_reads_before_anything_else_is_asked_has_it_sent(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        send_along(session, KEEP, {"number": 1})
        assert rows_along(session, DOUBLE, {"number": 3}).all() == [(6,)]
        assert waiting(session) == 0


def test_what_was_never_prepared_goes_alone_and_in_its_turn(engine):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        send_along(session, KEEP, {"number": 1})
        assert session.execute(text("SELECT number FROM kept -- asked once")).all() == [(1,)]


@pytest.mark.parametrize("last", ["statement", "commit"])
def test_one_that_fails_lets_nothing_behind_it_be_done(engine, last):
    with Session(engine) as session:
        session.connection().execute(COUNT)
        for number in (1, 1, 2):
            send_along(session, KEEP, {"number": number})
        with pytest.raises(IntegrityError, match="kept_number_key"):
            session.commit() if last == "commit" else session.connection().execute(COUNT)
        session.rollback()
        assert session.connection().execute(COUNT).scalar() == 0


def test_an_event_that_the_trail_does_not_take_fails(engine):
    trail = audit_events.to_metadata(MetaData(), schema=None, name="trail")
    values = {column.name: None for column in trail.columns}
    event = values | {"event_id": uuid4(), "application_instance_id": uuid4(), "metadata": {}}
    with Session(engine) as session:
        columns = ", ".join(f"{column.name} {column.type.compile(engine.dialect)}" for column in trail.columns)
        session.execute(text(f"CREATE TEMPORARY TABLE trail ({columns})"))
        send_along(session, taking(trail), event)
        session.execute(
            text("""CREATE FUNCTION pg_temp.drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'""")
        )
        session.execute(
            text("CREATE TRIGGER drop_it BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION pg_temp.drop_it()")
        )
        with pytest.raises(DataError, match="division by zero"):
            send_along(session, taking(trail), event)
        session.rollback()
