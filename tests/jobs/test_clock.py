"""The clock: it tidies up what is old and nothing else, and of many clocks one works."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from app.commands.shared_texts import open_shared_text
from app.core import clock as time
from app.core import valkey
from app.core.database import db, fresh_session
from app.core.ids import new_id, new_token
from app.jobs import clock
from app.jobs.relay import queue_named
from app.web.stored_sessions import token_hash
from tests.core.rooms import inside
from tests.factories import a_program, a_task
from tests.jobs.outbox import change, rows_of
from tests.jobs.test_relay import leave_work
from tests.trail import as_superuser


@pytest.fixture
def tidied(clock_app):
    def tidy():
        with clock_app.app_context(), fresh_session():
            clock.tidy()

    return tidy


def test_work_that_was_done_long_ago_is_forgotten_and_no_other(alice, tidied):
    done_long_ago, done_lately, waiting, failed = subjects = leave_work(alice.actor, 4)
    change("done_at = now() - interval '8 days'", "subject_id = %s", done_long_ago)
    change("done_at = now() - interval '6 days'", "subject_id = %s", done_lately)
    change("failed_at = now() - interval '1 year', due_at = now() - interval '1 year'", "subject_id = %s", failed)
    change("due_at = now() - interval '1 year', created_at = now() - interval '1 year'", "subject_id = %s", waiting)
    tidied()
    assert {row.subject_id for row in rows_of(subjects)} == {done_lately, waiting, failed}


@pytest.mark.parametrize("table", ["known_devices", "password_resets"])
def test_links_and_known_browsers_that_have_run_out_are_forgotten(alice, tidied, table):
    gone, kept = token_hash(new_token()), token_hash(new_token())
    for token, seconds in ((gone, -1), (kept, 60)):
        db.session.execute(
            text(f"INSERT INTO {table} (token_hash, user_id, expires_at) VALUES (:token, :user_id, :at)"),
            {"token": token, "user_id": alice.user_id, "at": time.now() + timedelta(seconds=seconds)},
        )
    db.session.commit()
    tidied()
    left = as_superuser(f"SELECT token_hash FROM {table} WHERE token_hash = ANY(%s)", [gone, kept])
    assert [row.token_hash for row in left] == [kept]


def test_texts_written_together_are_forgotten_soon_where_all_is_saved_and_else_after_a_month(alice, tidied):
    soon, kept, late = texts = [open_shared_text(alice.actor, "task", a_task(alice).id).id for _number in range(3)]
    for text_id, days, editors in ((soon, 2, "{}"), (kept, 29, "{1}"), (late, 31, "{1}")):
        change_texts(f"changed_at = now() - interval '{days} days', editor_ids = '{editors}'", text_id)
    tidied()
    left = as_superuser("SELECT id FROM shared_texts WHERE id = ANY(%s)", texts)
    assert [row.id for row in left] == [kept]


def change_texts(what, text_id):
    as_superuser(f"UPDATE shared_texts SET {what} WHERE id = %s RETURNING id", text_id)


def test_sessions_that_have_ended_are_forgotten(alice, form, tidied):
    ended, alive = token_hash(new_token()), token_hash(new_token())
    with inside(alice.organisation):
        for token, expires_at in ((ended, time.now() - timedelta(seconds=1)), (alive, time.now() + timedelta(days=1))):
            db.session.execute(
                text("INSERT INTO user_sessions (id, token_hash, expires_at) VALUES (:id, :token, :expires_at)"),
                {"id": new_id(), "token": token, "expires_at": expires_at},
            )
        db.session.commit()
    tidied()
    kept = as_superuser("SELECT token_hash FROM user_sessions WHERE token_hash = ANY(%s)", [ended, alive])
    assert [row.token_hash for row in kept] == [alive]


def test_idempotency_keys_are_kept_for_two_days(alice, api, tidied):
    body = {"key": "KEPT", "name": "Kept"}
    assert api(alice).send("POST", "/programs", body, Idempotency_Key="kept").status_code == 201
    tidied()
    assert api(alice).send("POST", "/programs", body, Idempotency_Key="kept").status_code == 201
    as_superuser("UPDATE idempotency_keys SET created_at = now() - interval '3 days' WHERE key = 'kept' RETURNING 1")
    tidied()
    assert api(alice).send("POST", "/programs", body, Idempotency_Key="kept").status_code == 422


def test_where_one_task_fails_the_others_are_done(alice, tidied, monkeypatch):
    (done_long_ago,) = leave_work(alice.actor)
    change("done_at = now() - interval '8 days'", "subject_id = %s", done_long_ago)
    monkeypatch.setattr(clock, "_TIDY", ("SELECT 1 / 0", "DROP TABLE users", *clock._TIDY))
    tidied()
    assert rows_of([done_long_ago]) == []


def test_a_late_event_is_linked_while_tidying(alice, tidied):
    program = a_program(alice)
    query = "SELECT 1 FROM audit.audit_chain JOIN audit.audit_events USING (event_id) WHERE entity_id = %s"
    for _ in range(100):  # so many at once, of all that other tests have left
        tidied()
        if as_superuser(query, str(program.id)):
            break
    assert len(as_superuser(query, str(program.id))) == 1


def test_of_two_clocks_one_works_and_the_other_takes_over(alice, clock_app, play_stage):
    """Both run as threads here; who holds the lock is seen in the database."""
    valkey.client().flushdb()
    stop_first, stop_second = threading.Event(), threading.Event()

    def run_until(stopping):
        with clock_app.app_context():
            clock.run(play_stage.url("clock"), stopping)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run_until, stop_first)
        try:
            holder = soon(lambda: holders(play_stage))
            second = pool.submit(run_until, stop_second)
            (subject_id,) = leave_work(alice.actor)
            soon(lambda: rows_of([subject_id])[0].sent_at)
            assert holders(play_stage) == holder
            stop_first.set()
            first.result(20)
            soon(lambda: holders(play_stage) not in (holder, []))
            (another,) = leave_work(alice.actor)
            soon(lambda: rows_of([another])[0].sent_at)
            assert len(queue_named("default").jobs) >= 2
        finally:
            stop_first.set()
            stop_second.set()
        second.result(20)


def test_a_clock_outlives_its_connection(alice, clock_app, play_stage):
    stopping = threading.Event()

    def run():
        with clock_app.app_context():
            clock.run(play_stage.url("clock"), stopping)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            (pid,) = soon(lambda: holders(play_stage))
            as_superuser("SELECT pg_terminate_backend(%s)", pid)
            soon(lambda: holders(play_stage) not in ([pid], []))
            (subject_id,) = leave_work(alice.actor)
            soon(lambda: rows_of([subject_id])[0].sent_at)
        finally:
            stopping.set()
        running.result(20)


def holders(play_stage):
    """The connections that hold the lock of the clock in this database."""
    with psycopg.connect(play_stage.url("superuser")) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [clock.LOCK],
        ).fetchall()
    return [row[0] for row in rows]


def soon(look, seconds=20):
    """What `look` sees, as soon as it sees something."""
    patience, deadline = threading.Event(), time.now() + timedelta(seconds=seconds)
    while not (seen := look()):
        assert time.now() < deadline, "It did not happen."
        patience.wait(0.02)
    return seen
