"""The same request sent twice is carried out once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app.commands.programs import create_program
from app.core.database import db, fresh_session
from app.core.errors import Forbidden, IdempotencyKeyInvalid, IdempotencyKeyReused, NotFound, RequestInProgress
from app.core.idempotency import Request, once
from app.core.paging import Paging
from app.models.programs import Program
from app.queries.programs import list_programs
from app.schemas.programs import NewProgram
from tests.cast import join
from tests.core.rooms import inside
from tests.trail import audit_trail


def request(key="k-1", body=b"{}"):
    return Request.of(key, "POST", "/api/v1/programs", body)


def make(player, asked, key="ONCE"):
    return once(player.actor, asked, Program, lambda: create_program(player.actor, NewProgram(key=key, name="Once")))


def test_the_second_time_answers_with_what_the_first_time_made(alice):
    first, second = make(alice, request()), make(alice, request(), key="OTHER")
    assert first.id == second.id
    assert audit_trail(first) == ["program.created"]
    assert [row.key for row in alice.sees(list_programs, Paging()).rows] == ["ONCE"]


def test_another_key_is_another_request(alice):
    assert make(alice, request("k-1"), key="ONE").id != make(alice, request("k-2"), key="TWO").id


def test_the_key_with_another_body_is_refused(alice):
    make(alice, request())
    with pytest.raises(IdempotencyKeyReused):
        make(alice, request(body=b'{"name": "else"}'))


@pytest.mark.parametrize("part", ["method", "path", "body"])
def test_the_fingerprint_covers_method_path_and_body(part):
    given = {"method": "POST", "path": "/a", "body": b"x"}
    other = given | {part: b"y" if part == "body" else "PUT"}
    assert Request.of("k", **given).fingerprint != Request.of("k", **other).fingerprint
    assert Request.of("k", "POST", "/a", b"x").fingerprint != Request.of("k", "POST", "/ax", b"").fingerprint


def test_a_key_belongs_to_the_person_who_used_it(alice, bob, mallory):
    made = {make(player, request(), key=f"P{number}").id for number, player in enumerate((alice, bob, mallory))}
    assert len(made) == 3


def test_without_a_key_every_request_counts(alice):
    assert make(alice, None, key="ONE").id != make(alice, None, key="TWO").id


def test_an_operation_that_failed_may_be_tried_again_under_its_key(alice):
    with pytest.raises(ZeroDivisionError):
        once(alice.actor, request(), Program, lambda: 1 // 0)
    assert make(alice, request()).key == "ONCE"


def test_key_and_change_commit_together_or_not_at_all(alice):
    def make_and_fail():
        create_program(alice.actor, NewProgram(key="HALF", name="Half"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(alice.actor, request(), Program, make_and_fail)
    with inside(alice.organisation):
        assert db.session.execute(text("SELECT * FROM idempotency_keys")).all() == []
        assert db.session.execute(text("SELECT * FROM programs")).all() == []


def test_while_the_first_is_at_work_the_second_is_asked_to_wait(web_app, alice):
    working, go_on = threading.Event(), threading.Event()

    def slowly():
        working.set()
        assert go_on.wait(20)
        return create_program(alice.actor, NewProgram(key="SLOW", name="Slow"))

    def first():
        with web_app.app_context(), fresh_session():
            return once(alice.actor, request(), Program, slowly).id

    with ThreadPoolExecutor(1) as pool:
        at_work = pool.submit(first)
        assert working.wait(20)
        with pytest.raises(RequestInProgress) as asked:
            make(alice, request(), key="FAST")
        assert asked.value.headers == {"Retry-After": "1"}
        go_on.set()
        made = at_work.result(20)
    assert make(alice, request()).id == made


def test_twenty_at_once_make_one(web_app, alice):
    def send(_number):
        with web_app.app_context(), fresh_session():
            try:
                return make(alice, request()).id
            except RequestInProgress:
                return None

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(send, range(20))) - {None}
    assert len(made) == 1
    assert len(alice.sees(list_programs, Paging()).rows) == 1


def test_who_has_lost_the_right_to_look_learns_nothing_from_an_old_key(alice, bob):
    made = make(bob, request())
    demoted = join(alice.organisation, "carol")
    assert make(bob, request()).id == made.id
    blind = type(bob)(bob.name, bob.organisation, _without(bob.actor, "program.view"))
    with pytest.raises(NotFound):
        make(blind, request())
    with pytest.raises(Forbidden):
        make(demoted, request())


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\there", "line\n", "\x00"])
def test_a_key_that_cannot_be_kept_is_refused(key):
    with pytest.raises(IdempotencyKeyInvalid):
        request(key)


def test_the_longest_key_is_kept(alice):
    key = "x" * 255
    assert make(alice, request(key)).id == make(alice, request(key)).id


def _without(actor, permission):
    return type(actor)(
        tenant=actor.tenant, permissions=actor.permissions - {permission}, user_id=actor.user_id, origin=actor.origin
    )
