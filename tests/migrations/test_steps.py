"""The steps of the database, both ways."""

from __future__ import annotations

import uuid
import zlib
from itertools import pairwise

import psycopg
import pytest

from app import create_app
from app.core.ranks import between
from app.local.provision import migrations_pending
from tests import stage

ORGANISATION = "INSERT INTO application_instances (id, slug, name) VALUES (gen_random_uuid(), 'kept', 'Kept')"


@pytest.fixture
def database(request: pytest.FixtureRequest, worker_id: str) -> str:
    """A migrated and guarded database of this test's own."""
    return stage.copy(f"steps_{worker_id}_{zlib.crc32(request.node.name.encode())}")


def tables(database: str) -> set[str]:
    """Every table of ours."""
    with stage.superuser(database) as connection:
        rows = connection.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'runcible', 'audit')"
        )
        return {name for (name,) in rows}


def test_an_operator_takes_steps_on_the_command_line(web_app):
    run = web_app.test_cli_runner()
    assert "upgrade" in run.invoke(args=["db", "--help"]).output
    assert run.invoke(args=["db", "heads"]).exit_code == 0
    assert run.invoke(args=["db", "sidewards"]).exit_code == 2


def test_a_release_takes_the_steps_that_are_left_and_writes_the_trust_root(database, play_stage, tmp_path, monkeypatch):
    made = stage.home_of_run()
    monkeypatch.setenv("MIGRATION_DATABASE_URL", stage.url_of(database, "owner"))
    monkeypatch.setenv("SIGNING_KEY_DIR", str(made / "signing-keys"))
    monkeypatch.setenv("SIGNING_PASSPHRASE_FILE", str(made / "passphrase"))
    monkeypatch.setenv("TRUST_ROOT_FILE", str(tmp_path / "trust-root.json"))
    stage.migrate(database, "-1")
    assert migrations_pending(stage.url_of(database, "owner"))
    operator = create_app("operator", **play_stage.settings)
    assert not [*operator.url_map.iter_rules()], "it has pages, which nobody asks for on a command line"
    for _again in range(2):
        done = operator.test_cli_runner().invoke(args=["release"])
        assert done.exit_code == 0, done.output
        assert not migrations_pending(stage.url_of(database, "owner"))
        assert (tmp_path / "trust-root.json").read_bytes() == (made / "trust-root.json").read_bytes()


def test_every_step_but_the_audit_trail_can_be_taken_back_and_again(database):
    before = tables(database)
    stage.migrate(database, "0001")
    left = tables(database)
    assert "audit.audit_events" in left
    assert not any(name.startswith("runcible.") for name in left)
    assert "public.tasks" not in left
    stage.migrate(database)
    assert tables(database) == before


def test_what_an_earlier_step_holds_survives_going_back_to_it_and_forward_again(database):
    with stage.superuser(database) as connection:
        connection.execute(ORGANISATION)
    stage.migrate(database, "0002")
    stage.migrate(database)
    with stage.superuser(database) as connection:
        assert connection.execute("SELECT name FROM application_instances").fetchall() == [("Kept",)]


def test_the_audit_trail_has_no_way_back(database):
    with pytest.raises(RuntimeError, match="no way back"):
        stage.migrate(database, "base")
    assert "audit.audit_events" in tables(database)


def test_a_step_does_not_wait_for_ever_behind_somebody_who_reads(database):
    stage.migrate(database, "0004")
    with stage.superuser(database) as reader, reader.transaction():
        reader.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            stage.migrate(database)
    stage.migrate(database)
    assert "runcible.certifications" in tables(database)


def test_tasks_are_at_first_in_the_order_of_their_numbers_and_then_may_lack_a_place(database):
    stage.migrate(database, "0025")
    tenant, program = uuid.uuid4(), uuid.uuid4()
    insert = """
        INSERT INTO tasks (id, application_instance_id, program_id, number, name, workflow_instance_id, version,
            created_at, updated_at)
        VALUES (gen_random_uuid(), %s, %s, %s, 'A task', gen_random_uuid(), 1, now(), now())"""
    with stage.superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")  # what tasks refer to is of no account here
        for number in (4000, 1, 62, 300, 61, 2):
            connection.execute(insert, [tenant, program, number])
    stage.migrate(database)
    with stage.superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(insert, [tenant, program, 4001])  # by what ran before this step
        rows = connection.execute("SELECT number, rank FROM tasks ORDER BY rank NULLS LAST").fetchall()
    assert [number for number, _rank in rows] == [1, 2, 61, 62, 300, 4000, 4001]
    assert rows[-1][1] is None
    ranks = [rank for _number, rank in rows[:-1]]
    assert between(ranks[-1], None) > ranks[-1]
    assert all(lower < between(lower, upper) < upper for lower, upper in pairwise(ranks))
    stage.migrate(database, "0025")
    stage.migrate(database)


def test_superuser_files_can_be_run_again(database):
    with stage.superuser(database) as connection:
        with connection.transaction():  # roles belong to the whole server: nobody must see the owner let in
            for name in ("roles.sql", "guard.sql", "guard.sql"):
                connection.execute((stage.ROOT / "deploy/database" / name).read_text())
        enabled = connection.execute("SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY evtname").fetchall()
        assert enabled == [("oversing_audit_ddl", "A"), ("oversing_audit_drop", "A")]
    with (
        psycopg.connect(stage.url_of(database, "owner")) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        owner.execute("DROP SCHEMA audit CASCADE")
