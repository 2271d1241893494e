"""One operation, one transaction: all of it or none of it, and never in silence."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.commands.programs import update_program
from app.core import clock
from app.core.actor import Visitor
from app.core.announcing import announce
from app.core.audit import record
from app.core.certification_log import log_event
from app.core.database import db, fresh_session
from app.core.errors import Conflict, Invalid, NotFound, OutcomeUnknown, StaleVersion
from app.core.ids import new_id
from app.core.outbox import outbox
from app.core.permissions import fetch, require
from app.core.transaction import Stray, Unasked, Unrecorded, answering, command, current_unit, end_reading
from app.models.programs import Program
from app.schemas.programs import ProgramChanges
from app.web.errors import as_refusal
from tests.core.rooms import inside, kept_program
from tests.trail import as_superuser, audit_trail


@command
def rename(actor, program_id, name):
    program = fetch(actor, Program, program_id, "program.update")
    program.name = name
    db.session.flush()
    record(actor, "program.updated", program)
    announce(program)
    return program


class Interrupted(BaseException):
    """As when a process is told to stop in the middle."""


def test_the_outermost_command_commits_and_inner_ones_join(alice):
    units = []

    @command
    def rename_two(actor, first, second):
        units.append(current_unit())
        rename(actor, first, "One")
        units.append(current_unit())
        rename(actor, second, "Two")
        db.session.rollback()
        require(actor, "program.update")

    first, second = kept_program(alice), kept_program(alice)
    rename_two(alice.actor, first.id, second.id)
    assert units[0] is units[1] is not None
    names = [alice.program(each.id).name for each in (first, second)]
    assert "One" not in names, "an inner command committed by itself"
    assert "Two" not in names, "an inner command committed by itself"


def test_an_answer_and_the_command_before_it_are_one_transaction(alice):
    """What is read back is what was done, and all of it is there for others only when the answer stands."""
    program = kept_program(alice)
    with answering(alice.actor):
        rename(alice.actor, program.id, "Renamed")
        assert audit_trail(program) == ["program.created"], "somebody else saw what was not answered yet"
        assert db.session.scalar(select(Program.name).where(Program.id == program.id)) == "Renamed"
    assert alice.program(program.id).name == "Renamed"
    assert audit_trail(program) == ["program.created", "program.updated"]
    assert current_unit() is None


@pytest.mark.parametrize("error", [NotFound, Interrupted])
def test_where_an_answer_cannot_be_given_nothing_was_changed(alice, error):
    program = kept_program(alice)

    def answer():
        with answering(alice.actor):
            rename(alice.actor, program.id, "Never answered")
            raise error

    with pytest.raises(error):
        answer()
    assert alice.program(program.id).name == program.name
    assert audit_trail(program) == ["program.created"]


def test_each_command_of_an_answer_does_its_own_duties(alice):
    """What another one asked or recorded, or what was read of the outcome, excuses none."""
    program = kept_program(alice)

    @command
    def ask_nothing(_actor):
        return None

    @command
    def change_in_silence(actor):
        fetch(actor, Program, program.id, "program.update").name = "Changed in silence"

    def answer(careless):
        with answering(alice.actor):
            rename(alice.actor, program.id, "Recorded")
            careless(alice.actor)
            require(alice.actor, "program.view")

    for careless, defect in ((ask_nothing, Unasked), (change_in_silence, Unrecorded)):
        with pytest.raises(defect):
            answer(careless)
        assert alice.program(program.id).name == program.name


def test_an_answer_itself_changes_and_records_nothing(alice):
    program = kept_program(alice)
    with pytest.raises(Stray), answering(alice.actor):
        fetch(alice.actor, Program, program.id, "program.view").name = "Strayed"
    with pytest.raises(AssertionError, match="inside a @command"), answering(alice.actor):
        record(alice.actor, "program.updated", program)
    assert alice.program(program.id).name == program.name
    assert audit_trail(program) == ["program.created"]


def test_after_a_command_there_is_none(alice):
    rename(alice.actor, kept_program(alice).id, "Done")
    assert current_unit() is None


@pytest.mark.parametrize("error", [ValueError, NotFound, Interrupted])
def test_an_error_leaves_nothing_of_the_whole_operation(alice, error):
    @command
    def rename_and_fail(actor, program_id):
        rename(actor, program_id, "Half done")
        raise error

    program = kept_program(alice)
    with pytest.raises(error):
        rename_and_fail(alice.actor, program.id)
    assert alice.program(program.id).name != "Half done"
    assert audit_trail(program) == ["program.created"]
    assert current_unit() is None


def test_the_first_of_two_writers_at_once_wins_and_the_second_is_told(web_app, alice):
    program = kept_program(alice)
    both_have_read = Barrier(2, timeout=20)

    @command
    def rename_slowly(actor, name):
        found = fetch(actor, Program, program.id, "program.update")
        both_have_read.wait()
        found.name = name
        db.session.flush()
        record(actor, "program.updated", found)

    def write(name):
        with web_app.app_context(), fresh_session():
            try:
                rename_slowly(alice.actor, name)
            except StaleVersion:
                return "stale"
            return name

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(write, ["Mine", "Theirs"]))
    assert "stale" in outcomes
    (winner,) = set(outcomes) - {"stale"}
    now = alice.program(program.id)
    assert (now.name, now.version) == (winner, 2)
    assert audit_trail(program) == ["program.created", "program.updated"]


def test_somebody_who_started_from_an_old_copy_is_stopped_before_anything_is_written(alice):
    program = kept_program(alice)
    update_program(alice.actor, program.id, ProgramChanges(name="First", version=1))
    with pytest.raises(StaleVersion):
        update_program(alice.actor, program.id, ProgramChanges(name="Second", version=1))
    assert alice.program(program.id).name == "First"


@pytest.mark.parametrize("through", ["the session", "a statement"])
def test_what_a_constraint_refuses_is_told_by_field(alice, through):
    kept_program(alice, key="TAKEN")

    @command
    def make_another(actor):
        require(actor, "program.create")
        given = {"application_instance_id": actor.tenant_id, "key": "TAKEN", "name": "Again"}
        if through == "the session":
            db.session.add(Program(**given))
        else:
            moment = {"created_at": clock.now(), "updated_at": clock.now(), "version": 1}
            db.session.execute(insert(Program).values(id=new_id(), **given, **moment))

    with pytest.raises(Invalid) as refused:
        make_another(alice.actor)
    assert refused.value.fields == {"key": "Another program has this key, perhaps one in the trash."}


def test_a_constraint_that_no_model_explains_is_a_conflict_and_tells_nothing_of_the_table(alice):
    @command
    def break_a_rule(actor):
        require(actor, "program.create")
        db.session.add(
            Program(application_instance_id=actor.tenant_id, key="TWO", name="Two", deleted_by_user_id=2**40)
        )

    with pytest.raises(Conflict) as refused:
        break_a_rule(alice.actor)
    assert "programs" not in refused.value.message


@pytest.mark.parametrize("how", ["by hand", "in bulk", "by insert", "by delete"])
def test_a_command_that_changed_something_and_recorded_nothing_does_not_commit(alice, how):
    program = kept_program(alice)
    key = f"NEW{len(how)}"

    @command
    def change_in_silence(actor):
        found = fetch(actor, Program, program.id, "program.update")
        moment = {"created_at": clock.now(), "updated_at": clock.now(), "version": 1}
        if how == "by hand":
            found.name = "Changed in silence"
        elif how == "in bulk":
            db.session.execute(update(Program).where(Program.id == program.id).values(name="Changed in silence"))
        elif how == "by insert":
            values = {"id": new_id(), "application_instance_id": actor.tenant_id, "key": key, "name": "x", **moment}
            db.session.execute(insert(Program.__table__).values(values))
        else:
            db.session.delete(found)

    with pytest.raises(Unrecorded, match="change_in_silence"):
        change_in_silence(alice.actor)
    assert alice.program(program.id).name == program.name
    with inside(alice.organisation):
        assert db.session.scalar(select(Program.id).where(Program.key == key)) is None


def test_reading_needs_no_record(alice):
    program = kept_program(alice)

    @command
    def read(actor):
        return fetch(actor, Program, program.id, "program.view").name

    assert read(alice.actor) == program.name
    assert audit_trail(program) == ["program.created"]


def test_the_mechanisms_own_tables_need_no_record(alice):
    @command
    def leave_work(actor):
        require(actor, "task.view")
        values = {"id": new_id(), "application_instance_id": actor.tenant_id, "queue": "none", "job": "none.at.all"}
        db.session.execute(insert(outbox).values(**values, subject_id=new_id(), failed_at=clock.now()))

    leave_work(alice.actor)


def test_what_needs_no_permission_says_why(app):
    @command(anyone="the test says so", unrecorded="there is nothing to tell")
    def touch(_visitor):
        return db.session.scalar(text("SELECT 1"))

    assert touch(Visitor()) == 1
    assert touch.anyone == "the test says so"
    assert touch.is_command


@pytest.mark.parametrize("act", [record, announce, log_event])
def test_outside_of_a_command_nothing_is_recorded_or_announced(alice, act):
    program = kept_program(alice)
    arguments = {record: (alice.actor, "program.updated", program), announce: (program,)}
    with inside(alice.organisation), pytest.raises(AssertionError, match="inside a @command"):
        act(*arguments.get(act, (alice.actor, program, "created", {})))
    assert audit_trail(program) == ["program.created"]


def test_a_failure_of_the_commit_itself_leaves_nothing(alice):
    """A constraint that is looked at only at the end of the transaction speaks up while it commits."""

    @command
    def be_refused_at_the_end(actor, program_id):
        rename(actor, program_id, "Nearly")
        db.session.execute(text("CREATE TEMPORARY TABLE at_the_end (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        db.session.execute(text("INSERT INTO at_the_end VALUES (1), (1)"))

    program = kept_program(alice)
    with pytest.raises(Conflict):
        be_refused_at_the_end(alice.actor, program.id)
    assert alice.program(program.id).name != "Nearly"


def test_who_saves_while_the_database_is_lost_is_told_that_it_may_be_saved(alice):
    """No word of the commit comes back: neither yes nor no would be true."""

    def cut(connection):
        with socket.socket(fileno=os.dup(connection.connection.dbapi_connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    program = kept_program(alice)
    event.listen(db.engine, "commit", cut, once=True)
    with pytest.raises(OutcomeUnknown, match="Look whether it is there"):
        rename(alice.actor, program.id, "Saved after all?")


def test_who_saves_while_the_database_ends_is_told_that_nothing_was_changed(alice):
    """Here it does say so, before it goes."""

    def end_it(connection):
        pid = connection.connection.dbapi_connection.info.backend_pid
        as_superuser("SELECT pg_terminate_backend(%s, 20000)", pid)  # milliseconds at most: it waits until it has gone

    program = kept_program(alice)
    event.listen(db.engine, "commit", end_it, once=True)
    with pytest.raises(DBAPIError) as lost:
        rename(alice.actor, program.id, "Nearly")
    assert "Nothing was changed" in as_refusal(lost.value).message
    assert alice.program(program.id).name != "Nearly"


@pytest.mark.parametrize("how", ["by hand", "flushed", "in bulk"])
def test_what_was_changed_outside_of_a_command_does_not_outlive_the_request(alice, how):
    program = kept_program(alice)
    with inside(alice.organisation):
        if how == "in bulk":
            db.session.execute(update(Program).where(Program.id == program.id).values(name="Strayed"))
        else:
            db.session.get_one(Program, program.id).name = "Strayed"
        if how == "flushed":
            db.session.flush()
        end_reading()
    assert alice.program(program.id).name == program.name


def test_a_connection_keeps_the_statements_that_it_has_prepared(alice, form):
    """The planner works once for many requests; a ROLLBACK at the end of each would have it begin again."""
    for _ in range(8):
        assert form(alice).get("/tasks").status_code == 200
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one() > 0
