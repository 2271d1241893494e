"""A database of its own for the tests that try to break it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from app import create_app
from app.core.database import fresh_session
from app.jobs import audit_chain
from tests import cast, stage
from tests.factories import a_certification

AUDIT_TABLES = """
    SELECT c.oid::regclass::text AS name, c.relispartition AS is_partition FROM pg_class c
    WHERE c.relnamespace = 'audit'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"""


@dataclass
class Fortress:
    """A copy of the migrated and guarded database, with an organisation that has lived in it a little."""

    database: str
    tenant_id: UUID

    @contextmanager
    def as_role(self, role: str) -> Iterator[psycopg.Connection]:
        """A connection as one of the roles, in the organisation; each statement is a transaction."""
        url = stage.url_of(self.database, role)
        with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
            connection.execute("SET default_transaction_read_only = off")  # the auditor's is on, which is no wall
            connection.execute("SELECT set_config('oversing.tenant', %s, false)", [str(self.tenant_id)])
            yield connection

    def tables(self) -> list[str]:
        """Every table of the audit trail, partitions too."""
        with self.as_role("superuser") as connection:
            return [row.name for row in connection.execute(AUDIT_TABLES)]

    def fingerprint(self) -> dict[str, str]:
        """A digest of all that the trail holds, and of all that guards it."""
        queries = {table: f"SELECT t::text FROM {table} AS t" for table in self.tables()}
        queries["triggers"] = (
            "SELECT concat(tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal"
        )
        queries["tables"] = (
            "SELECT concat(oid::regclass, relowner, relrowsecurity) FROM pg_class WHERE relkind IN ('r', 'p')"
        )
        queries["rules"] = "SELECT concat(rulename, ev_class::regclass) FROM pg_rewrite"
        with self.as_role("superuser") as connection:
            return {
                what: connection.execute(f"SELECT md5(string_agg(x, '|' ORDER BY x)) AS sum FROM ({query}) AS q(x)")
                .fetchone()
                .sum
                for what, query in queries.items()
            }


def fortress_in(name: str, play_stage: stage.Stage) -> Fortress:
    """A new copy of the database, with a row in every table of the trail."""
    database = stage.copy(f"{name}_{play_stage.worker_number}")
    there = stage.Stage(database, play_stage.worker_number)
    with create_app("web", **there.settings).app_context(), fresh_session():
        organisation = cast.found("acme")
        a_certification(cast.play(organisation, "alice"))
    with create_app("clock", **there.settings).app_context(), fresh_session():
        audit_chain.link_events(audit_chain.Settled())
    return Fortress(database, organisation.id)


@pytest.fixture(scope="session")
def fortress(play_stage: stage.Stage, web_app: object) -> Fortress:
    """One for all: what is done there is rolled back."""
    return fortress_in("fortress", play_stage)


@pytest.fixture
def besieged(fortress: Fortress) -> Iterator[psycopg.Connection]:
    """A superuser in a transaction that is rolled back; as a role of the product after `SET LOCAL ROLE`."""
    with fortress.as_role("superuser") as connection, connection.transaction(force_rollback=True):
        yield connection
