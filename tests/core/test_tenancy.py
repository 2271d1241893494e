"""The tenant wall fails closed: no organisation, no row."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from app.core import tenancy
from app.core.database import db, fresh_session
from app.core.errors import Invalid
from app.core.permissions import require
from app.core.transaction import command
from app.models.programs import Program
from app.models.tasks import Task
from tests.cast import system
from tests.core.rooms import as_role, inside, scalar
from tests.factories import a_program, a_task, something_of_everything
from tests.trail import as_superuser

TENANT_TABLES = """
    SELECT c.oid::regclass::text AS name
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'application_instance_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1"""
SEEN_BY_ID = "SELECT name FROM tasks WHERE id = :id"


@pytest.fixture
def lively(alice, api):
    """An organisation with a row in every table that organisations have rows in."""
    something_of_everything(alice, api(alice))
    return alice.organisation


@pytest.mark.parametrize("role", ["app", "signer"])
def test_with_no_organisation_set_no_row_of_any_tenant_table_is_shown(lively, role):
    tables = [row.name for row in as_superuser(TENANT_TABLES)]
    assert len(tables) >= 20
    with as_role(role) as connection:
        readable = [
            table
            for table in tables
            if connection.execute("SELECT has_table_privilege(%s, 'SELECT')", [table]).fetchone()[0]
        ]
        for table in readable:
            rows = sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))
            assert connection.execute(rows).fetchone() == (0,), table
            assert as_superuser(f"SELECT count(*) FROM {table} WHERE application_instance_id = %s", lively.id) != [
                (0,)
            ], f"{table} is empty: this test says nothing about it"
    assert len(readable) >= (20 if role == "app" else 8)


def test_every_tenant_table_is_behind_the_wall_for_its_owner_too(app):
    open_tables = as_superuser(f"""
        SELECT oid::regclass::text AS name FROM pg_class
        WHERE oid IN (SELECT name::regclass FROM ({TENANT_TABLES}) AS tables)
          AND NOT (relrowsecurity AND relforcerowsecurity)""")
    assert open_tables == []


def test_no_role_of_the_product_can_step_around_the_wall(app):
    assert (
        as_superuser("""
        SELECT rolname FROM pg_roles
        WHERE starts_with(rolname, 'oversing') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)""")
        == []
    )
    granted = as_superuser("""
        SELECT c.oid::regclass::text, g.grantee FROM pg_class c
        JOIN information_schema.role_table_grants g ON g.table_name = c.relname AND starts_with(g.grantee, 'oversing')
        WHERE c.relispartition AND g.grantee <> 'oversing_audit'""")
    assert granted == [], "a partition that may be asked directly knows no policy of its parent"
    owned = as_superuser("""
        SELECT oid::regclass::text FROM pg_class
        WHERE relowner IN (SELECT oid FROM pg_roles WHERE rolname IN ('oversing_app', 'oversing_signer',
                           'oversing_clock', 'oversing_auditor'))""")
    assert owned == [], "an owner can take row security off"


def test_a_stranger_sees_none_of_the_rows_and_cannot_write_among_them(alice, mallory):
    program = a_program(alice)
    with inside(mallory.organisation):
        db.session.expunge_all()
        assert db.session.get(Program, program.id) is None
        assert db.session.scalars(select(Program)).all() == []
    stolen = insert(Program.__table__).values(
        id=uuid4(), application_instance_id=alice.organisation.id, key="STOLEN", name="x", version=1,
        created_at=program.created_at, updated_at=program.updated_at,
    )  # fmt: skip
    with inside(mallory.organisation), pytest.raises(ProgrammingError) as refused:
        db.session.execute(stolen)
    assert refused.value.orig.sqlstate == "42501"


def test_a_row_cannot_hang_on_a_row_of_another_organisation(alice, mallory):
    program = a_program(alice)
    with as_role("app", mallory.organisation) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute(
            "INSERT INTO runcible.llm_outputs (id, application_instance_id, task_id) VALUES (%s, %s, %s)",
            [uuid4(), mallory.organisation.id, a_task(alice, program).id],
        )


def test_the_setting_dies_with_the_transaction(alice):
    task = a_task(alice)
    with inside(alice.organisation):
        assert scalar(SEEN_BY_ID, id=task.id) == "Water the plants"
        connection = db.session.connection().connection.driver_connection
        db.session.commit()
        with connection.transaction():
            assert connection.execute("SELECT current_setting('oversing.tenant', true)").fetchone() == ("",)
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)


def test_after_the_block_a_running_transaction_shows_nothing_any_more(alice):
    task = a_task(alice)
    db.session.rollback()
    with tenancy.entered(db.session, alice.organisation.id):
        assert scalar(SEEN_BY_ID, id=task.id) is not None
    assert scalar(SEEN_BY_ID, id=task.id) is None


def test_two_organisations_share_one_connection_and_nothing_else(alice, mallory, play_stage):
    ours, theirs = a_task(alice, name="Ours"), a_task(mallory, name="Theirs")
    engine = create_engine(play_stage.url("app"), pool_size=1, max_overflow=0)
    shown = []
    for _turn in range(5):  # from the fifth time on PostgreSQL may use one plan for both
        for player in (alice, mallory):
            with Session(engine) as session, tenancy.entered(session, player.organisation.id):
                wanted = select(Task.name).where(Task.id.in_([ours.id, theirs.id]))
                shown.append((player.name, session.scalars(wanted).all()))
                session.commit()
        with Session(engine) as session:
            assert session.scalars(select(Task.name)).all() == []
    engine.dispose()
    assert shown == [("alice", ["Ours"]), ("mallory", ["Theirs"])] * 5


@pytest.mark.parametrize("looked_before", [True, False])
def test_a_savepoint_that_is_rolled_back_leaves_the_organisation_that_is_current(alice, mallory, looked_before):
    ours, theirs = a_task(alice), a_task(mallory)
    with inside(alice.organisation):
        if looked_before:
            assert scalar(SEEN_BY_ID, id=ours.id) is not None
        savepoint = db.session.begin_nested()
        with tenancy.entered(db.session, mallory.organisation.id):
            assert scalar(SEEN_BY_ID, id=theirs.id) is not None
        savepoint.rollback()
        assert scalar(SEEN_BY_ID, id=ours.id) is not None
        assert scalar(SEEN_BY_ID, id=theirs.id) is None


def test_a_savepoint_that_is_kept_changes_nothing_either(alice):
    task = a_task(alice)
    with inside(alice.organisation):
        with db.session.begin_nested():
            assert scalar(SEEN_BY_ID, id=task.id) is not None
        assert scalar(SEEN_BY_ID, id=task.id) is not None


def test_two_threads_work_in_two_organisations_at_once(web_app, alice, mallory):
    tasks = {player.name: a_task(player, name=f"Of {player.name}").id for player in (alice, mallory)}
    both_are_inside = threading.Barrier(2, timeout=10)

    def look(player):
        with web_app.app_context(), fresh_session(), tenancy.entered(db.session, player.organisation.id):
            first = db.session.scalars(select(Task.name)).all()
            both_are_inside.wait()
            second = [scalar(SEEN_BY_ID, id=task_id) for task_id in tasks.values()]
            return first, second

    with ThreadPoolExecutor(2) as pool:
        seen = dict(zip(tasks, pool.map(look, (alice, mallory)), strict=True))
    assert seen == {"alice": (["Of alice"], ["Of alice", None]), "mallory": (["Of mallory"], [None, "Of mallory"])}


def test_a_command_works_in_the_organisation_of_its_actor_wherever_it_is_called_from(alice, mallory):
    @command
    def look(actor):
        require(actor, "task.view")
        return db.session.scalars(select(Task.name)).all()

    a_task(alice, name="Ours")
    a_task(mallory, name="Theirs")
    with inside(mallory.organisation):
        assert look(alice.actor) == ["Ours"]
        assert tenancy.current_tenant_id() == mallory.organisation.id
        assert db.session.scalars(select(Task.name)).all() == ["Theirs"]


def test_a_request_leaves_no_organisation_behind(alice, form, api):
    task = a_task(alice)
    assert form(alice).get(f"/tasks/{task.id}").status_code == 200
    assert api(alice).get(f"/tasks/{task.id}").status_code == 200
    assert tenancy.current_tenant_id() is None
    assert scalar(SEEN_BY_ID, id=task.id) is None


def test_what_the_database_refuses_is_told_as_it_is(alice):
    """Leaving an organisation in a transaction that is broken must not hide why it broke."""

    @command
    def make_twice(actor):
        require(actor, "program.create")
        values = {"id": uuid4(), "application_instance_id": actor.tenant_id, "key": "TWICE", "name": "x", "version": 1}
        program = a_program(alice, key="TWICE")
        values |= {"created_at": program.created_at, "updated_at": program.updated_at}
        db.session.execute(insert(Program.__table__).values(values))

    with pytest.raises(Invalid) as refused:
        make_twice(alice.actor)
    assert list(refused.value.fields) == ["key"]
    with inside(alice.organisation), pytest.raises(IntegrityError), tenancy.entered(db.session, uuid4()):
        db.session.execute(text("INSERT INTO users (email, name) VALUES (NULL, 'Nobody')"))


def test_the_system_works_inside_one_organisation_like_everybody_else(alice, mallory):
    task = a_task(mallory)
    with tenancy.entered(db.session, alice.organisation.id):
        assert system(alice.organisation).tenant_id == alice.organisation.id
        assert scalar(SEEN_BY_ID, id=task.id) is None
