"""The order of the tasks of a program: where a task is put, there it is, for everybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from app.commands import task_ranks
from app.commands.tasks import delete_task, move_task
from app.core import tenancy
from app.core.database import db, fresh_session
from app.core.ids import new_id
from app.models.tasks import Task
from app.schemas.tasks import Move
from tests import cast
from tests.doors import went_well
from tests.factories import a_grant, a_program, a_task
from tests.trail import audit_rows, audit_trail


@pytest.fixture
def program(alice):
    return a_program(alice)


@pytest.fixture
def tasks(alice, program):
    return [a_task(alice, program, name=name).id for name in ("one", "two", "three", "four")]


def in_order(player, program):
    """The ids of a program's tasks, in their order."""

    def read(_actor):
        query = select(Task.id).where(Task.program_id == program.id).order_by(Task.rank.nulls_last(), Task.id)
        return list(db.session.scalars(query))

    return player.sees(read)


def set_ranks(player, program, rank):
    """Put it to the database as it may have become."""
    with fresh_session(), tenancy.entered(db.session, player.organisation.id):
        db.session.execute(update(Task).where(Task.program_id == program.id).values(rank=rank))
        db.session.commit()


def test_new_tasks_come_last(alice, program, tasks):
    assert in_order(alice, program) == tasks


def test_a_task_goes_behind_another_one_and_to_the_top(door, alice, program, tasks):
    one, two, three, four = tasks
    assert went_well(door(alice).move_task(four, after=one))
    assert in_order(alice, program) == [one, four, two, three]
    assert went_well(door(alice).move_task(three, after=None))
    assert in_order(alice, program) == [three, one, four, two]
    assert went_well(door(alice).move_task(three, after=two))
    assert in_order(alice, program) == [one, four, two, three]


def test_order_alone_changes_neither_state_nor_version(door, alice, program, tasks):
    before = alice.task(tasks[3])
    assert went_well(door(alice).move_task(tasks[3], after=tasks[0], version=before.version))
    now = alice.task(tasks[3])
    assert (now.state, now.version, now.updated_at) == (before.state, before.version, before.updated_at)
    with tenancy.entered(db.session, alice.organisation.id):
        task = db.session.get(Task, tasks[3])
        assert audit_trail(task) == ["task.created", "task.reordered"]
        facts = audit_rows(task)[-1].metadata["facts"]
    assert set(facts) == {"from_rank", "to_rank"}
    assert facts["to_rank"] < facts["from_rank"]


def test_a_task_changes_state_and_place_in_one_step(door, alice, program, tasks):
    one, two, three, four = tasks
    for each in (one, two):
        move_task(alice.actor, each, Move(state="doing"))
    assert went_well(door(alice).move_task(four, state="doing", after=one))
    assert alice.task(four).state.key == "doing"
    assert in_order(alice, program) == [one, four, two, three]
    with tenancy.entered(db.session, alice.organisation.id):
        assert audit_trail(db.session.get(Task, four)) == ["task.created", "task.moved"]


def test_the_top_is_that_of_its_state(alice, program, tasks):
    one, two, three, four = tasks
    for each in (two, four):
        move_task(alice.actor, each, Move(state="doing"))
    move_task(alice.actor, four, Move(after=None))
    assert in_order(alice, program) == [one, four, two, three]
    move_task(alice.actor, three, Move(state="cancelled", after=None))
    assert in_order(alice, program) == [one, four, two, three], "alone in its state it has nobody to come before"


def test_a_refused_state_leaves_the_place_as_well(door, alice, program, tasks):
    assert door(alice).move_task(tasks[3], state="done", after=None).status_code == 409
    assert in_order(alice, program) == tasks


def test_putting_it_where_it_is_changes_nothing(door, alice, program, tasks):
    assert went_well(door(alice).move_task(tasks[1], after=tasks[0]))
    with tenancy.entered(db.session, alice.organisation.id):
        assert audit_trail(db.session.get(Task, tasks[1])) == ["task.created"]


def test_behind_what_is_not_there_nothing_goes(door, alice, mallory, program, tasks):
    gone = a_task(alice, program)
    delete_task(alice.actor, gone.id)
    others = (a_task(alice).id, a_task(mallory).id, new_id(), gone.id, tasks[0])
    for after in others:
        answer = door(alice).move_task(tasks[0], after=after)
        assert answer.status_code == 422, after
    assert in_order(alice, program)[:4] == tasks


def test_what_one_does_not_see_is_not_there_and_still_counts(door, acme, alice, program, tasks):
    one, two, three, four = tasks
    guest = cast.join(acme, "dora")
    for seen in (one, four):
        a_grant(alice, "member", guest, task_id=seen)
    guest = cast.play(acme, "dora")  # with what they may do by now
    assert went_well(door(guest).move_task(four, after=one))
    assert in_order(alice, program) == [one, four, two, three]
    hidden, missing = (door(guest).move_task(four, after=after) for after in (two, new_id()))
    assert hidden.status_code == missing.status_code == 422
    assert "There is no such task in this program." in hidden.text


def test_nothing_to_do_is_refused(door, alice, tasks):
    answer = door(alice).move_task(tasks[0])
    assert answer.status_code == 422
    assert "This is required." in answer.text


def test_a_viewer_cannot_change_the_order(door, alice, carol, program, tasks):
    assert door(carol).move_task(tasks[3], after=None).status_code == 403
    assert in_order(alice, program) == tasks


def test_a_stranger_cannot_change_the_order(door, alice, mallory, program, tasks):
    assert door(mallory).move_task(tasks[3], after=None).status_code == 404
    assert in_order(alice, program) == tasks


def test_an_old_page_does_not_change_the_order(door, alice, bob, program, tasks):
    move_task(bob.actor, tasks[3], Move(state="doing"))
    assert door(alice).move_task(tasks[3], after=None, version=1).status_code == 409
    assert in_order(alice, program) == tasks


def test_tasks_without_a_place_come_last_and_get_one(alice, program, tasks):
    one, two, three, four = tasks
    set_ranks(alice, program, None)
    move_task(alice.actor, four, Move(after=one))
    assert in_order(alice, program) == [one, four, two, three]


def test_keys_that_have_grown_long_are_numbered_anew(alice, program, tasks, monkeypatch):
    monkeypatch.setattr(task_ranks, "LONGEST", 14)
    one, two, three, _four = tasks
    here, there = two, three
    longest = 0
    for _ in range(120):
        move_task(alice.actor, there, Move(after=one))
        here, there = there, here
        longest = max(longest, *(len(rank) for rank in ranks(alice, program)))
    assert in_order(alice, program)[0] == one
    assert len(set(ranks(alice, program))) == 4
    assert 10 < longest <= 14


def ranks(player, program):
    def read(_actor):
        return list(db.session.scalars(select(Task.rank).where(Task.program_id == program.id)))

    return player.sees(read)


def test_many_who_put_tasks_in_the_same_place_at_once_keep_an_order(app, alice, program):
    first, *others = [a_task(alice, program).id for _ in range(9)]

    def put(task_id):
        with app.app_context(), fresh_session():
            move_task(alice.actor, task_id, Move(after=first))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, others * 3))
    assert len(set(ranks(alice, program))) == 9
    assert in_order(alice, program)[0] == first
