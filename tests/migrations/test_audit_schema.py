"""A migration of the audit trail gets in only between the two files that a superuser runs."""

from __future__ import annotations

import zlib

import psycopg
import pytest
from alembic import command

from tests import stage

INDEXES = ("audit_events_newest", "audit_events_by_kind", "audit_events_by_request")


@pytest.fixture
def database(request: pytest.FixtureRequest, worker_id: str) -> str:
    """A migrated and guarded database of this test's own, in which an index of the trail is missing."""
    name = stage.copy(f"audit_schema_{worker_id}_{zlib.crc32(request.node.name.encode())}")
    with stage.superuser(name) as connection:
        connection.execute("ALTER EVENT TRIGGER oversing_audit_ddl DISABLE")
        connection.execute("ALTER EVENT TRIGGER oversing_audit_drop DISABLE")
        connection.execute("DROP INDEX audit.audit_events_newest")
        connection.execute("ALTER EVENT TRIGGER oversing_audit_ddl ENABLE ALWAYS")
        connection.execute("ALTER EVENT TRIGGER oversing_audit_drop ENABLE ALWAYS")
    return name


def test_a_closed_trail_says_how_it_is_opened_for_a_migration(database):
    with stage.superuser(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0007'")
    with pytest.raises(RuntimeError, match=r"run deploy/database/roles\.sql"):
        stage.migrate(database)


def test_as_its_owner_an_index_is_made_while_every_guard_is_up(database):
    with stage.superuser(database) as connection:
        connection.execute("SET ROLE oversing_audit")
        connection.execute("CREATE INDEX audit_events_newest ON audit.audit_events (created_at)")
    with (
        psycopg.connect(stage.url_of(database, "owner"), autocommit=True) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        owner.execute("CREATE INDEX another ON audit.audit_events (created_at)")


def test_every_month_has_the_indexes_of_the_trail_and_so_will_the_next(worker_id):
    with stage.superuser(stage.copy(f"audit_months_{worker_id}")) as connection:
        connection.execute("SELECT audit.ensure_partitions(9)")
        for index in INDEXES:
            ((valid, parts),) = connection.execute(
                "SELECT indisvalid, (SELECT count(*) FROM pg_inherits WHERE inhparent = indexrelid) FROM pg_index"
                f" WHERE indexrelid = 'audit.{index}'::regclass"
            ).fetchall()
            ((months,),) = connection.execute(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit.audit_events'::regclass"
            ).fetchall()
            assert valid
            assert parts == months > 10


BY_REQUEST = "audit.events_of_request('req-1')"


def called_as_the_application(database: str) -> bool:
    """Whether the application may ask the trail for the events of a request."""
    with psycopg.connect(stage.url_of(database, "app")) as connection:
        try:
            connection.execute(f"SELECT FROM {BY_REQUEST}")
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


def test_the_way_to_the_events_of_a_request_is_shut_and_opened_again(worker_id):
    database = stage.copy(f"audit_requests_{worker_id}")
    opened = stage.alembic_config(database)
    opened.attributes["url"] = stage.url_of(database, "superuser")  # who acts as the owner of the trail at any time
    assert called_as_the_application(database)
    for _ in range(2):
        command.downgrade(opened, "0018")
        assert not called_as_the_application(database)
        with stage.superuser(database) as connection:
            assert shown_to_the_owner(connection) == "false"
        command.upgrade(opened, "0019")
        assert called_as_the_application(database)
        with stage.superuser(database) as connection:
            assert shown_to_the_owner(connection) == "true"


def shown_to_the_owner(connection: psycopg.Connection) -> str:
    """Which rows the owner of the trail sees, as its policy says it."""
    ((shown,),) = connection.execute("SELECT qual FROM pg_policies WHERE policyname = 'requests'").fetchall()
    return str(shown)


def test_a_closed_trail_keeps_the_way_when_a_step_is_taken_back(worker_id):
    database = stage.copy(f"audit_requests_closed_{worker_id}")
    stage.migrate(database, "0018")
    assert called_as_the_application(database)
    stage.migrate(database)
    assert called_as_the_application(database)
