"""Work for later commits with its cause, or not at all."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from app.core.database import db
from app.core.outbox import CHANNEL, enqueue
from app.core.permissions import require
from app.core.transaction import command
from tests.core.rooms import as_role, inside
from tests.stage import url_of
from tests.trail import as_superuser

WAITING = "SELECT * FROM outbox WHERE subject_id = %s"


@command(anyone="the test leaves work behind", unrecorded="nothing happens yet")
def leave_work(actor, subject_id, error=None):
    enqueue(actor, "certifications.judge", subject_id)
    if error is not None:
        raise error


def test_the_row_is_there_once_its_cause_is_committed(alice):
    subject_id = uuid4()
    leave_work(alice.actor, subject_id)
    (row,) = as_superuser(WAITING, subject_id)
    assert (row.queue, row.job, row.attempts) == ("default", "certifications.judge", 0)
    assert row.application_instance_id == alice.organisation.id
    assert (row.sent_at, row.done_at, row.failed_at) == (None, None, None)


def test_nothing_waits_before_the_commit(alice):
    subject_id = uuid4()

    @command(anyone="the test looks from outside", unrecorded="nothing happens yet")
    def look_from_outside(actor):
        enqueue(actor, "certifications.judge", subject_id)
        return as_superuser(WAITING, subject_id)

    assert look_from_outside(alice.actor) == []
    assert len(as_superuser(WAITING, subject_id)) == 1


def test_what_was_rolled_back_leaves_no_work(alice):
    subject_id = uuid4()
    with pytest.raises(ZeroDivisionError):
        leave_work(alice.actor, subject_id, ZeroDivisionError())
    assert as_superuser(WAITING, subject_id) == []


def test_who_listens_is_called_at_the_commit_and_not_for_a_rollback(alice):
    with psycopg.connect(url_of(str(db.engine.url.database), "clock"), autocommit=True) as watch:
        watch.execute(f"LISTEN {CHANNEL}")
        with pytest.raises(ZeroDivisionError):
            leave_work(alice.actor, uuid4(), ZeroDivisionError())
        assert list(watch.notifies(timeout=0.1, stop_after=1)) == []
        leave_work(alice.actor, uuid4())
        (call,) = watch.notifies(timeout=5, stop_after=1)
        assert call.payload == "", "a call carries no content: everybody who may connect can listen"


def test_work_belongs_to_one_organisation(alice, mallory):
    subject_id = uuid4()
    leave_work(alice.actor, subject_id)
    with inside(mallory.organisation):
        assert db.session.execute(text("SELECT * FROM outbox WHERE subject_id = :id"), {"id": subject_id}).all() == []

    @command
    def leave_it_at_a_strangers(actor):
        require(actor, "task.view")
        db.session.execute(
            text("""INSERT INTO outbox (id, application_instance_id, queue, job, subject_id)
                    VALUES (:id, :tenant, 'default', 'certifications.judge', :id)"""),
            {"id": uuid4(), "tenant": alice.organisation.id},
        )

    with pytest.raises(Exception, match="row-level security"):
        leave_it_at_a_strangers(mallory.actor)


def test_nobody_but_the_clock_takes_work_away(alice):
    subject_id = uuid4()
    leave_work(alice.actor, subject_id)
    for role in ("app", "signer", "auditor"):
        with as_role(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM outbox")
    assert len(as_superuser(WAITING, subject_id)) == 1
    with as_role("clock") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            "INSERT INTO outbox (id, application_instance_id, queue, job, subject_id) SELECT %s, id, 'q', 'j', %s"
            " FROM application_instances LIMIT 1",
            [uuid4(), uuid4()],
        )
