"""The sequencer: one chain of all events, in the order of their commits, which shows what was changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from app.core.database import db, fresh_session
from app.core.ids import new_id
from app.jobs import audit_chain
from app.jobs.audit_chain import FIELDS, Settled, link, link_events, link_latecomers
from tests.stage import Stage


class Trail:
    """The trail of this worker's database, and what is added to its chain from now on."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.tenant_id, self.settled = stage, new_id(), Settled()
        self.catch_up()
        with self.as_role("superuser") as connection:
            last = connection.execute("SELECT sequence, hash FROM audit.audit_chain ORDER BY 1 DESC LIMIT 1").fetchone()
        self.first, self.hash = (last.sequence + 1, last.hash) if last else (1, audit_chain.GENESIS)

    def as_role(self, role):
        """A connection as one of the roles, in an organisation of this test's own."""
        connection = psycopg.connect(self.stage.url(role), row_factory=namedtuple_row)
        connection.execute("SELECT set_config('oversing.tenant', %s, false)", [str(self.tenant_id)])
        connection.commit()
        return connection

    def write(self, *names):
        """Events of these names, committed in one transaction."""
        with self.as_role("app") as connection:
            self.write_on(connection, *names)

    def write_on(self, connection, *names):
        """Events of these names; whoever owns the connection ends the transaction."""
        for name in names:
            connection.execute(
                "INSERT INTO audit.audit_events (event_id, application_instance_id, event_type, entity_type, entity_id,"
                " action, actor_ip_address, after_state, metadata)"
                " VALUES (%s, %s, %s, 'Task', 'x', 'create', '203.0.113.0/24', %s, %s)",
                [new_id(), self.tenant_id, name, '{"number": 1, "name": {"sealed": "v1.ä"}}', '{"via": "test"}'],
            )

    def catch_up(self):
        """Let the sequencer link all that there is."""
        while link_events(self.settled):
            pass

    def links(self, connection=None):
        """The links of this test with their events, in their order."""
        if connection is None:
            with self.as_role("superuser") as fresh:
                return self.links(fresh)
        return connection.execute(
            f"SELECT sequence, hash, event.* FROM audit.audit_chain LEFT JOIN (SELECT {FIELDS} FROM audit.audit_events)"
            " AS event USING (event_id) WHERE sequence >= %s ORDER BY sequence",
            [self.first],
        ).fetchall()

    def names(self):
        """The events in the order in which they are linked."""
        return [row.event_type for row in self.links()]

    def broken(self, connection=None):
        """The places, from 0, at which the chain does not hold, as an auditor finds them by recomputing it."""
        places, previous, expected = [], self.hash, self.first
        for place, row in enumerate(self.links(connection)):
            if row.id is None or row.sequence != expected or link(previous, row) != row.hash:
                places.append(place)
            previous, expected = row.hash, row.sequence + 1
        return places


@pytest.fixture
def trail(as_clock, play_stage):
    return Trail(play_stage)


def test_events_are_linked_in_their_order_and_each_once(trail):
    trail.write("one", "two")
    trail.write("three")
    assert link_events(trail.settled) == 3
    assert link_events(trail.settled) == 0
    assert trail.names() == ["one", "two", "three"]
    assert trail.broken() == []


def test_whoever_commits_later_comes_later_however_early_they_began(trail):
    with trail.as_role("app") as slow:
        trail.write_on(slow, "began first, ended last")
        for name in ("one", "two", "three"):
            trail.write(name)
            trail.catch_up()
        assert trail.names() == ["one", "two", "three"], "what is committed does not wait for who is still at work"
        slow.commit()
    trail.catch_up()
    assert trail.names() == ["one", "two", "three", "began first, ended last"]
    assert trail.broken() == []


def test_what_was_rolled_back_never_comes(trail):
    with trail.as_role("app") as giver_up:
        trail.write_on(giver_up, "never")
        trail.write("one")
        trail.catch_up()
        giver_up.rollback()
    trail.write("two")
    trail.catch_up()
    assert trail.names() == ["one", "two"]


def test_writers_at_once_lose_nothing_while_the_sequencer_runs(trail, clock_app):
    done = threading.Event()

    def write(number):
        with trail.as_role("app") as connection:
            for each in range(25):
                trail.write_on(connection, f"{number}-{each}-a", f"{number}-{each}-b")
                connection.rollback() if each % 5 == 4 else connection.commit()

    def sequence():
        with clock_app.app_context(), fresh_session():
            while not done.is_set():
                link_events(trail.settled)

    with ThreadPoolExecutor(5) as pool:
        sequencer = pool.submit(sequence)
        list(pool.map(write, range(4)))
        done.set()
        sequencer.result()
    trail.catch_up()
    names = trail.names()
    assert sorted(names) == sorted(
        f"{number}-{each}-{part}" for number in range(4) for each in range(25) if each % 5 != 4 for part in "ab"
    )
    assert trail.broken() == []
    for number in range(4):
        own = [name for name in names if name.startswith(f"{number}-")]
        assert own == sorted(own, key=lambda name: (int(name.split("-")[1]), name)), (
            "one writer's events keep their order"
        )


def test_a_new_sequencer_goes_on_where_the_last_one_died(trail):
    trail.write("one", "two")
    assert link_events(Settled()) == 2
    trail.write("three")
    assert link_events(Settled()) == 1
    assert trail.names() == ["one", "two", "three"]
    assert trail.broken() == []


def test_a_sequencer_that_dies_before_its_commit_leaves_no_half_of_its_work(trail):
    trail.write("one", "two")

    def die(*_arguments):
        raise KeyboardInterrupt

    event.listen(db.session, "before_commit", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            link_events(Settled())
    finally:
        event.remove(db.session, "before_commit", die)
    db.session.rollback()
    assert trail.names() == []
    assert link_events(Settled()) == 2
    assert trail.broken() == []


def test_two_sequencers_never_make_two_chains(trail, clock_app, monkeypatch):
    """Even where the lock that keeps them apart was lost: the number of a link is given out once."""
    trail.write(*(str(number) for number in range(20)))
    both_have_read, append = threading.Barrier(2, timeout=20), audit_chain._append

    def append_together(last, events):
        both_have_read.wait()
        append(last, events)

    def sequence(_number):
        with clock_app.app_context(), fresh_session():
            try:
                return link_events(Settled())
            except IntegrityError:
                return "refused"

    monkeypatch.setattr(audit_chain, "_append", append_together)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(sequence, range(2)))
    assert sorted(map(str, outcomes)) == ["20", "refused"]
    assert trail.names() == [str(number) for number in range(20)]
    assert trail.broken() == []


def test_an_id_is_not_settled_while_whoever_took_it_is_at_work(trail):
    """Ids are given out before a commit: the sequencer looks back as far as the oldest writer, and no further."""
    with trail.as_role("app") as slow:
        trail.write_on(slow, "slow")
        for number in range(20):
            trail.write(str(number))
            trail.catch_up()
        taken = slow.execute("SELECT id FROM audit.audit_events WHERE event_type = 'slow'").fetchone()
        assert trail.settled.id < taken.id
        slow.commit()
    trail.catch_up()
    assert trail.names()[-1] == "slow"


def test_what_came_very_late_is_found_too(trail, monkeypatch):
    """A sequencer that starts amid a long transaction looks only so far back; tidying up finds the rest."""
    monkeypatch.setattr(audit_chain, "WINDOW", 0)
    with trail.as_role("app") as slow:
        trail.write_on(slow, "very late")
        trail.write("one")
        link_events(Settled())
        slow.commit()
    started_anew = Settled()
    link_events(started_anew)
    assert trail.names() == ["one"]
    assert link_latecomers() == 1
    assert trail.names() == ["one", "very late"]
    assert trail.broken() == []


def test_more_than_fits_at_once_is_linked_in_several_turns(trail, monkeypatch):
    monkeypatch.setattr(audit_chain, "AT_ONCE", 7)
    trail.write(*(str(number) for number in range(20)))
    turns = []
    while linked := link_events(trail.settled):
        turns.append(linked)
    assert turns == [7, 7, 6]
    assert trail.names() == [str(number) for number in range(20)]


def test_looking_costs_nothing_where_nothing_happened(trail):
    """The sequencer looks at every call; it must not read again what it has linked."""
    trail.write(*(str(number) for number in range(50)))
    trail.catch_up()
    deadline = threading.Event()
    for _turn in range(200):  # other databases of this server may have transactions that run
        link_events(trail.settled)
        with trail.as_role("superuser") as connection:
            ahead = connection.execute(
                "SELECT count(*) FROM audit.audit_events WHERE id > %s", [trail.settled.id]
            ).fetchone()
        if ahead.count == 0:
            break
        deadline.wait(0.05)
    assert ahead.count == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit.audit_events SET after_state = '{\"number\": 2}'",
        "UPDATE audit.audit_events SET metadata = NULL",
        "UPDATE audit.audit_events SET actor_user_id = 7",
        "UPDATE audit.audit_events SET actor_ip_address = NULL",
        "UPDATE audit.audit_events SET created_at = created_at - interval '1 microsecond'",
        "DELETE FROM audit.audit_events",
    ],
)
def test_what_a_superuser_changes_behind_the_guards_is_found_by_recomputing(trail, change):
    trail.write("one", "two", "three")
    trail.catch_up()
    with trail.as_role("superuser") as connection:
        take_the_guards_down(connection)
        of_this_test = " WHERE event_type = 'two' AND application_instance_id = %s"
        assert connection.execute(change + of_this_test, [trail.tenant_id]).rowcount == 1
        assert trail.broken(connection) == [1]
        connection.rollback()
    assert trail.broken() == []


def test_a_chain_that_is_itself_rewritten_does_not_fit_what_was_published_of_it(trail):
    """The head leaves the database: whoever kept it sees that the chain leads elsewhere now."""
    trail.write("one", "two", "three")
    trail.catch_up()
    published = trail.links()[-1].hash
    with trail.as_role("superuser") as connection:
        take_the_guards_down(connection)
        connection.execute("UPDATE audit.audit_events SET action = 'read' WHERE event_type = 'two'")
        previous = trail.hash
        for row in trail.links(connection):
            previous = link(previous, row)
            connection.execute("UPDATE audit.audit_chain SET hash = %s WHERE sequence = %s", [previous, row.sequence])
        assert trail.broken(connection) == []
        assert trail.links(connection)[-1].hash != published
        connection.rollback()


def test_a_hash_depends_on_no_setting_of_the_session(trail):
    """An auditor in another time zone recomputes the same chain."""
    trail.write("one")
    trail.catch_up()
    with trail.as_role("superuser") as connection:
        connection.execute("SET TIME ZONE 'Asia/Kathmandu'")
        assert trail.broken(connection) == []


def test_every_kind_of_event_of_the_product_is_linked(trail):
    """Nothing that a command records is left out: after a look, no event of any organisation is without a link."""
    with trail.as_role("superuser") as connection:
        left_out = connection.execute(
            "SELECT event_type FROM audit.audit_events WHERE event_id NOT IN (SELECT event_id FROM audit.audit_chain)"
        ).fetchall()
    assert left_out == []


def take_the_guards_down(connection):
    """What only a superuser can do: and it is what the chain is there for."""
    for statement in (
        "ALTER EVENT TRIGGER oversing_audit_ddl DISABLE",
        "ALTER TABLE audit.audit_events DISABLE TRIGGER USER",
        "ALTER TABLE audit.audit_chain DISABLE TRIGGER USER",
    ):
        connection.execute(statement)
    for (partition,) in connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit.audit_events'::regclass"
    ).fetchall():
        connection.execute(f"ALTER TABLE {partition} DISABLE TRIGGER USER")


def test_the_sequencer_sees_events_of_all_organisations_and_nothing_else(trail):
    with trail.as_role("clock") as connection:
        connection.execute("RESET oversing.tenant")
        assert connection.execute("SELECT count(*) FROM audit.audit_events").fetchone().count > 0
        for table in ("users", "audit.certification_audit_log", "runcible.certifications"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT 1 FROM {table}")
            connection.rollback()


def test_a_link_names_its_event(trail):
    trail.write("one")
    trail.catch_up()
    (row,) = trail.links()
    assert isinstance(row.event_id, UUID)
    assert len(row.hash) == 32
