"""Two organisations in one database, full of rows: what each role is shown, and what opens the wall a little."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from app.core.database import fresh_session
from app.core.tenancy import NOBODY
from app.models.api_keys import hash_of
from tests import cast
from tests.cast import Player
from tests.doors import Json
from tests.factories import something_of_everything
from tests.structure.test_catalog import SCHEMAS, TABLES


@pytest.fixture(scope="module")
def tables(play_stage) -> list[str]:
    """Every table of organisations, from the catalog."""
    with psycopg.connect(play_stage.url("superuser"), autocommit=True) as connection:
        rows = connection.execute(TABLES, [SCHEMAS]).fetchall()
    return [row[1] for row in rows if row[5] and not row[2]]


@pytest.fixture(scope="module")
def full(web_app) -> dict[str, Player]:
    """Two organisations with a row in every table."""
    with web_app.app_context(), fresh_session():
        people = {"acme": cast.join(cast.found("acme"), "alice"), "globex": cast.join(cast.found("globex"), "mallory")}
        for player in people.values():
            something_of_everything(player, Json(web_app.test_client(), player))
    return people


@pytest.mark.parametrize("role", ["app", "signer"])
def test_each_organisation_sees_all_of_its_own_rows_and_no_other(play_stage, tables, full, role):
    with (
        psycopg.connect(play_stage.url(role), autocommit=True) as connection,
        psycopg.connect(play_stage.url("superuser"), autocommit=True) as everything,
    ):
        readable = [table for table in tables if may_read(connection, table)]
        assert len(readable) >= {"app": 20, "signer": 8}[role]
        for table in readable:
            for player in full.values():
                theirs = rows_of(everything, table, player)
                assert theirs, f"{table} is empty: this test says nothing about it"
                with connection.transaction():
                    enter(connection, player.organisation.id)
                    assert count(connection, table) == theirs, table


@pytest.mark.parametrize(
    "setting", [None, "", "00000000-0000-0000-0000-000000000000", "0fa54c85-0ade-447c-96fd-94beea8bdcb1"]
)
@pytest.mark.parametrize("role", ["app", "signer"])
def test_no_organisation_is_nobodys_rows(play_stage, tables, full, role, setting):
    with psycopg.connect(play_stage.url(role), autocommit=True) as connection:
        for table in tables:
            if may_read(connection, table):
                with connection.transaction():
                    if setting is not None:
                        enter(connection, setting)
                    # Who is about work of nobody sees that, and still nothing of any organisation.
                    assert count(connection, table, but_nobodys=True) == 0, table


@pytest.mark.parametrize("setting", ["not an id", "*", "' OR true --"])
def test_a_garbled_organisation_is_an_error_and_no_row(play_stage, full, setting):
    with psycopg.connect(play_stage.url("app")) as connection:
        enter(connection, setting)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            count(connection, "tasks")


def test_a_key_that_is_presented_opens_its_own_row_and_nothing_else(play_stage, tables, full):
    presented = hash_of(full["acme"].api_key).hex()
    with psycopg.connect(play_stage.url("app")) as connection:
        connection.execute("SELECT set_config('oversing.api_key', %s, true)", [presented])
        shown = {table: count(connection, table) for table in tables if may_read(connection, table)}
    assert shown.pop("api_keys") == 1
    assert set(shown.values()) == {0}


def test_a_person_who_is_named_opens_their_own_memberships_and_nothing_else(play_stage, tables, full):
    person = full["globex"].user_id
    with psycopg.connect(play_stage.url("app")) as connection:
        connection.execute("SELECT set_config('oversing.user', %s, true)", [str(person)])
        shown = {table: count(connection, table) for table in tables if may_read(connection, table)}
        people = connection.execute("SELECT DISTINCT user_id FROM application_instance_users").fetchall()
    assert shown.pop("application_instance_users") >= 1
    assert people == [(person,)]
    assert set(shown.values()) == {0}


def test_rows_cannot_be_moved_into_another_organisation(play_stage, full):
    acme, globex = full["acme"].organisation.id, full["globex"].organisation.id
    with psycopg.connect(play_stage.url("app")) as connection:
        enter(connection, acme)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE programs SET application_instance_id = %s", [globex])
    with psycopg.connect(play_stage.url("app")) as connection:
        enter(connection, globex)
        taken = connection.execute("UPDATE programs SET name = 'taken' WHERE application_instance_id = %s", [acme])
        gone = connection.execute("DELETE FROM task_comments WHERE application_instance_id = %s", [acme])
        assert (taken.rowcount, gone.rowcount) == (0, 0)


def enter(connection: psycopg.Connection, organisation: object) -> None:
    connection.execute("SELECT set_config('oversing.tenant', %s, true)", [str(organisation)])


def count(connection: psycopg.Connection, table: str, *, but_nobodys: bool = False) -> int:
    nobody = sql.SQL("coalesce(application_instance_id, {nobody}) <> {nobody}").format(nobody=sql.Literal(NOBODY))
    some = sql.SQL("WHERE {}").format(nobody) if but_nobodys else sql.SQL("")
    return one(connection, sql.SQL("SELECT count(*) FROM {} {}").format(sql.SQL(table), some))


def rows_of(connection: psycopg.Connection, table: str, player: Player) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE application_instance_id = {}")
    return one(connection, query.format(sql.SQL(table), sql.Literal(player.organisation.id)))


def may_read(connection: psycopg.Connection, table: str) -> bool:
    return bool(one(connection, sql.SQL("SELECT has_table_privilege({}, 'SELECT')").format(sql.Literal(table))))


def one(connection: psycopg.Connection, query: sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
