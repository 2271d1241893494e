"""Running what was handed over: each item once, by one worker, until it is done or given up."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.commands.tenants import resume_tenant, suspend_tenant
from app.core import tenancy
from app.core.database import db, fresh_session
from app.core.ids import new_id
from app.core.outbox import enqueue
from app.core.transaction import command
from app.jobs import leases, registry, runner
from app.jobs.leases import leased
from app.jobs.runner import MOST_ATTEMPTS, run
from app.models.programs import Program
from tests.cast import system
from tests.jobs.outbox import change, row_of, rows_of

JOB = "tests.count"


@command(anyone="the test leaves work behind", unrecorded="nothing happens yet")
def leave_work(actor, count=1):
    subjects = [new_id() for _number in range(count)]
    for subject_id in subjects:
        enqueue(actor, JOB, subject_id)
    return subjects


class Work:
    """A job that counts how often it ran for each thing, and does what it is told meanwhile."""

    def __init__(self):
        self.ran = Counter()
        self.meanwhile = lambda actor, subject_id: None

    def __call__(self, actor, subject_id):
        self.ran[subject_id] += 1
        self.meanwhile(actor, subject_id)


@pytest.fixture
def work(monkeypatch):
    job = Work()
    monkeypatch.setitem(registry.JOBS, JOB, job)
    return job


def handed_over(player, subjects):
    """The arguments with which RQ calls the runner."""
    ids = {row.subject_id: str(row.id) for row in rows_of(subjects)}
    return JOB, str(player.organisation.id), [ids[subject_id] for subject_id in subjects]


def test_each_item_is_run_and_done(alice, work):
    subjects = leave_work(alice.actor, 3)
    run(*handed_over(alice, subjects))
    assert work.ran == Counter(subjects)
    assert all(row_of(subject_id).done_at is not None for subject_id in subjects)


def test_items_are_run_in_the_order_in_which_they_were_handed_over(alice, work):
    subjects = leave_work(alice.actor, 20)
    run(*handed_over(alice, subjects))
    assert list(work.ran) == subjects


def test_what_is_handed_over_three_times_is_run_once(alice, work):
    subjects = leave_work(alice.actor, 5)
    given = handed_over(alice, subjects)
    for _time in range(3):
        run(*given)
    assert set(work.ran.values()) == {1}


def test_three_workers_with_the_same_items_run_each_once(web_app, alice, work):
    subjects = leave_work(alice.actor, 10)
    given = handed_over(alice, subjects)
    start = threading.Barrier(3, timeout=20)

    def be_a_worker(_number):
        with web_app.app_context():
            start.wait()
            run(*given)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(be_a_worker, range(3)))
    assert work.ran == Counter(subjects)
    assert all(row_of(subject_id).done_at is not None for subject_id in subjects)


def test_a_job_works_as_the_system_in_the_organisation_of_its_row(alice, mallory, work):
    seen = []

    def look(actor, _subject_id):
        seen.append((actor.tenant_id, actor.user_id, tenancy.current_tenant_id()))

    work.meanwhile = look
    run(*handed_over(alice, leave_work(alice.actor)))
    assert seen == [(alice.organisation.id, None, alice.organisation.id)]
    assert tenancy.current_tenant_id() is None


def test_a_suspended_organisation_has_nothing_done(alice, work):
    """A worker that is handed a row late leaves it as it is: it is handed over again when the organisation goes on."""
    subjects = leave_work(alice.actor)
    given = handed_over(alice, subjects)
    suspend_tenant(system(alice.organisation))
    run(*given)
    assert (work.ran, row_of(subjects[0]).done_at) == (Counter(), None)
    resume_tenant(system(alice.organisation))
    run(*given)
    assert work.ran == Counter(subjects)


def test_a_row_is_not_run_in_another_organisation(alice, mallory, work):
    """Whoever can write to Redis can name any row: it is looked for behind the wall."""
    subjects = leave_work(alice.actor)
    job, _tenant_id, ids = handed_over(alice, subjects)
    run(job, str(mallory.organisation.id), ids)
    run(job, str(uuid4()), ids)
    run(job, str(alice.organisation.id), [str(uuid4())])
    assert work.ran == Counter()
    assert row_of(subjects[0]).done_at is None


def test_one_that_fails_is_tried_again_later_and_stops_no_other(alice, work):
    first, bad, last = subjects = leave_work(alice.actor, 3)

    def fail(_actor, subject_id):
        if subject_id == bad:
            raise ValueError("the secret word is swordfish")

    work.meanwhile = fail
    run(*handed_over(alice, subjects))
    assert row_of(first).done_at is not None
    assert row_of(last).done_at is not None
    row = row_of(bad)
    assert (row.done_at, row.failed_at, row.attempts, row.last_error) == (None, None, 1, "ValueError")


def test_what_a_failed_job_had_begun_is_undone(alice, work):
    def change_and_fail(actor, _subject_id):
        program = Program(application_instance_id=actor.tenant_id, key="HALF", name="Half done")
        db.session.add(program)
        db.session.flush()
        raise ZeroDivisionError

    work.meanwhile = change_and_fail
    run(*handed_over(alice, leave_work(alice.actor)))
    with tenancy.entered(db.session, alice.organisation.id):
        assert db.session.scalar(select(Program.id).where(Program.key == "HALF")) is None


def test_the_pauses_grow_and_the_last_try_is_given_up(alice, work, monkeypatch):
    told = []
    monkeypatch.setitem(registry.GIVEN_UP, JOB, lambda actor, subject_id, reason: told.append((subject_id, reason)))
    work.meanwhile = lambda actor, subject_id: 1 // 0
    (subject_id,) = leave_work(alice.actor)
    given, pauses = handed_over(alice, [subject_id]), []
    for _attempt in range(MOST_ATTEMPTS + 2):
        run(*given)
        row = row_of(subject_id)
        if row.failed_at is None:
            with db.engine.begin() as connection:
                pauses.append(round((row.due_at - connection.scalar(text("SELECT now()"))).total_seconds()))
            change("due_at = now()", "subject_id = %s", subject_id)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert work.ran[subject_id] == MOST_ATTEMPTS
    assert told == [(subject_id, "It was tried 10 times, the last time with ZeroDivisionError.")]
    assert (row.done_at, row.attempts) == (None, MOST_ATTEMPTS)


def test_a_row_that_waits_for_its_next_try_is_not_run_by_a_stale_job(alice, work):
    work.meanwhile = lambda actor, subject_id: 1 // 0
    subjects = leave_work(alice.actor)
    given = handed_over(alice, subjects)
    run(*given)
    run(*given)
    assert set(work.ran.values()) == {1}


def test_a_job_that_nobody_knows_is_put_off_and_hurts_nobody(alice):
    (subject_id,) = leave_work(alice.actor)
    run(*handed_over(alice, [subject_id]))
    assert row_of(subject_id).last_error == "KeyError"


def test_while_somebody_works_nobody_else_takes_it(alice, work, web_app):
    (subject_id,) = leave_work(alice.actor)
    row_id = row_of(subject_id).id
    with tenancy.entered(db.session, alice.organisation.id), leased(alice.organisation.id, [row_id]) as held:
        assert held == {row_id: subject_id}
        with web_app.app_context(), fresh_session():
            run(JOB, str(alice.organisation.id), [str(row_id)])
    assert work.ran == Counter()


def test_what_a_dead_worker_held_is_free_within_seconds(alice, work):
    (subject_id,) = leave_work(alice.actor)
    row_id = row_of(subject_id).id
    with tenancy.entered(db.session, alice.organisation.id), leased(alice.organisation.id, [row_id]):
        pass  # it dies here: the row is neither done nor put off
    row = row_of(subject_id)
    with db.engine.begin() as connection:
        left = (row.due_at - connection.scalar(text("SELECT clock_timestamp()"))).total_seconds()
    assert 0 < left <= leases.SECONDS <= 6
    assert row.sent_at is None
    change("due_at = now()", "subject_id = %s", subject_id)
    run(JOB, str(alice.organisation.id), [str(row_id)])
    assert work.ran == Counter([subject_id])


def test_a_slow_worker_keeps_its_lease(alice, work, monkeypatch):
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.02)
    (subject_id,) = leave_work(alice.actor)
    leases_seen, patience = set(), threading.Event()

    def be_slow(_actor, _subject_id):
        for _look in range(500):
            leases_seen.add(row_of(subject_id).due_at)
            if len(leases_seen) > 3:
                return
            patience.wait(0.01)

    work.meanwhile = be_slow
    run(*handed_over(alice, [subject_id]))
    assert len(leases_seen) > 3
    assert row_of(subject_id).done_at is not None
    assert threading.active_count() < 20


def test_a_lease_that_is_renewed_shortens_no_pause_and_revives_nothing(alice, work, monkeypatch):
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.01)
    failing, done, at_work = subjects = leave_work(alice.actor, 3)
    patience = threading.Event()

    def meanwhile(_actor, subject_id):
        if subject_id == failing:
            change("attempts = 7", "subject_id = %s", failing)
            raise ZeroDivisionError
        if subject_id == at_work:
            patience.wait(0.2)

    work.meanwhile = meanwhile
    run(*handed_over(alice, subjects))
    with db.engine.begin() as connection:
        now = connection.scalar(text("SELECT clock_timestamp()"))
    assert (row_of(failing).due_at - now).total_seconds() > 200
    assert row_of(done).done_at is not None


def test_a_worker_that_cannot_reach_the_database_leaves_the_row_to_others(alice, work, monkeypatch):
    """Neither done nor failed can be written: the lease runs out, and another worker takes over."""
    (subject_id,) = leave_work(alice.actor)
    given = handed_over(alice, [subject_id])

    def lose_the_connection(outbox_id, **_values):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(runner, "_change", lose_the_connection)
        with pytest.raises(ConnectionError):
            run(*given)
    row = row_of(subject_id)
    assert (row.done_at, row.failed_at, row.attempts) == (None, None, 0)
    change("due_at = now()", "subject_id = %s", subject_id)
    run(*given)
    assert row_of(subject_id).done_at is not None
