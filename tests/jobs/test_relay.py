"""The relay: what is committed reaches a queue, once where all goes well, and again where it does not."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.commands.tenants import resume_tenant, suspend_tenant
from app.core import valkey
from app.core.database import fresh_session
from app.core.ids import new_id
from app.core.outbox import enqueue
from app.core.transaction import command
from app.jobs import relay
from app.jobs.relay import BATCH, TAKEN_WITHIN, hand_over, queue_named
from tests.cast import system
from tests.jobs.outbox import change, row_of, rows_of
from tests.trail import as_superuser

JOB = "certifications.judge"


@command(anyone="the test leaves work behind", unrecorded="nothing happens yet")
def leave_work(actor, count=1, job=JOB, queue="default"):
    subjects = [new_id() for _number in range(count)]
    for subject_id in subjects:
        enqueue(actor, job, subject_id, queue=queue)
    return subjects


@pytest.fixture
def relayed(acme, clock_app):
    """Hand over what is due, as the clock does, in an outbox in which nothing is left from before."""
    change("done_at = now()", "done_at IS NULL AND failed_at IS NULL")
    valkey.client().flushdb()

    def hand_over_as_clock():
        with clock_app.app_context(), fresh_session():
            return hand_over()

    hand_over_as_clock()
    return hand_over_as_clock


def handed(queue="default"):
    """The outbox rows in a queue, job by job."""
    return [job.args[2] for job in queue_named(queue).jobs]


def in_queue(queue="default"):
    """The outbox rows in a queue, sorted."""
    return sorted(row_id for ids in handed(queue) for row_id in ids)


def ids_of(subjects):
    """The ids of the outbox rows about these things, sorted."""
    return sorted(str(row.id) for row in rows_of(subjects))


def test_what_is_committed_is_handed_over_once(alice, relayed):
    (subject_id,) = leave_work(alice.actor)
    assert relayed() == 1
    assert in_queue() == ids_of([subject_id])
    row = row_of(subject_id)
    assert row.sent_at is not None
    assert TAKEN_WITHIN - 1 < (row.due_at - row.sent_at).total_seconds() < TAKEN_WITHIN + 1
    assert relayed() == 0
    assert in_queue() == ids_of([subject_id])


def test_what_a_suspended_organisation_has_left_to_do_waits(alice, mallory, relayed):
    waiting, theirs = leave_work(alice.actor), leave_work(mallory.actor)
    suspend_tenant(system(alice.organisation))
    assert relayed() == 1
    assert in_queue() == ids_of(theirs)
    resume_tenant(system(alice.organisation))
    assert relayed() == 1
    assert in_queue() == ids_of([*waiting, *theirs])


def test_a_job_carries_ids_in_json_and_nothing_that_could_run(alice, relayed):
    leave_work(alice.actor)
    relayed()
    (job,) = queue_named("default").jobs
    raw = valkey.client().hget(job.key, "data")
    function, _instance, arguments, named = json.loads(raw if raw[:1] in b"[{" else __import__("zlib").decompress(raw))
    assert (function, named) == ("app.jobs.runner.run", {})
    assert arguments[:2] == [JOB, str(alice.organisation.id)]
    assert job.description == f"{JOB} x 1"


def test_rows_of_one_job_and_organisation_travel_together(alice, mallory, relayed):
    mine, theirs = leave_work(alice.actor, BATCH * 2 + 5), leave_work(mallory.actor, 3)
    other = leave_work(alice.actor, 2, job="certifications.supersede")
    signing = leave_work(alice.actor, 1, job="certifications.sign", queue="signer")
    assert relayed() == BATCH * 2 + 11
    assert sorted(len(ids) for ids in handed()) == [2, 3, 5, BATCH, BATCH]
    assert in_queue() == ids_of([*mine, *theirs, *other])
    assert in_queue("signer") == ids_of(signing)
    assert {str(job.args[1]) for job in queue_named("default").jobs} == {
        str(player.organisation.id) for player in (alice, mallory)
    }


def test_what_nobody_takes_is_handed_over_again_ever_more_seldom(alice, relayed):
    (subject_id,) = leave_work(alice.actor)
    relayed()
    waits = []
    for waited in (11, 45):
        change(f"sent_at = now() - interval '{waited} s', due_at = now()", "subject_id = %s", subject_id)
        assert relayed() == 1
        row = row_of(subject_id)
        waits.append(round((row.due_at - row.sent_at).total_seconds()))
    assert waits == [22, 90], "the pause is as long as it has waited"
    assert len(in_queue()) == 3


def test_what_a_worker_holds_is_left_to_it_until_its_lease_runs_out(alice, relayed):
    (subject_id,) = leave_work(alice.actor)
    change("sent_at = NULL, due_at = now() + interval '5 s'", "subject_id = %s", subject_id)
    assert relayed() == 0
    change("due_at = now()", "subject_id = %s", subject_id)
    assert relayed() == 1


@pytest.mark.parametrize("ended", ["done_at", "failed_at"])
def test_what_has_ended_is_never_handed_over(alice, relayed, ended):
    (subject_id,) = leave_work(alice.actor)
    change(f"{ended} = now(), due_at = now() - interval '1 day'", "subject_id = %s", subject_id)
    assert relayed() == 0


def test_an_emptied_redis_is_noticed_and_loses_nothing(alice, relayed):
    waiting, held, put_off, done = leave_work(alice.actor, 4)
    relayed()
    later = "sent_at = NULL, due_at = now() + interval '1 hour'"
    change(later, "subject_id = ANY(%s)", [held, put_off])
    change("done_at = now()", "subject_id = %s", done)
    valkey.client().flushdb()
    assert relayed() == 1, "what a worker holds, or what waits for its next try, was not in Redis at all"
    assert in_queue() == ids_of([waiting])


def test_without_redis_everything_stays_due(alice, relayed, play_stage):
    (subject_id,) = leave_work(alice.actor)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        valkey.configure(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        try:
            assert relayed() == 0
        finally:
            valkey.configure(play_stage.redis_url)
    assert row_of(subject_id).sent_at is None
    assert relayed() == 1


def test_a_relay_that_dies_after_handing_over_hands_over_again(alice, relayed, monkeypatch):
    (subject_id,) = leave_work(alice.actor)

    def die(name):
        raise KeyboardInterrupt(name)

    with monkeypatch.context() as patched:
        patched.setattr(relay, "failpoint", die)
        with pytest.raises(KeyboardInterrupt, match=r"relay\.enqueued"):
            relayed()
    assert row_of(subject_id).sent_at is None
    assert relayed() == 1
    assert in_queue() == ids_of([subject_id]) * 2


def test_two_relays_at_once_hand_nothing_over_twice(alice, relayed):
    subjects = leave_work(alice.actor, 300)
    with ThreadPoolExecutor(4) as pool:
        handed_over = list(pool.map(lambda _number: relayed(), range(4)))
    assert sum(handed_over) == 300
    assert in_queue() == ids_of(subjects)


def test_the_clock_sees_no_more_of_the_work_than_its_ids(alice, relayed):
    leave_work(alice.actor)
    columns = as_superuser("SELECT column_name FROM information_schema.columns WHERE table_name = 'outbox'")
    assert {row.column_name for row in columns} == {
        "id", "application_instance_id", "queue", "job", "subject_id", "attempts", "due_at", "created_at", "sent_at",
        "done_at", "failed_at", "last_error",
    }  # fmt: skip
