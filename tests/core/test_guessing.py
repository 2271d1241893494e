"""Counters of guesses that many take at once: nobody waits for somebody who waits for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from app.core import guessing
from app.core.actor import Visitor
from app.core.database import fresh_session
from app.core.ids import new_token
from app.core.transaction import command
from tests.trail import as_superuser, await_in_line, be_patient


@command(anyone="the test guesses", unrecorded="a counter")
def count(_visitor, subjects):
    be_patient()
    guessing.count(dict.fromkeys(subjects, 100))


@command(anyone="the test gives the right answer", unrecorded="a counter")
def forget(_visitor, own, shared):
    be_patient()
    guessing.forget(own, give_back=shared)


def test_counters_are_given_back_in_the_order_in_which_they_are_taken(web_app, app, play_stage):
    """Whoever takes them first holds what the other needs: in another order, each would wait for the other."""
    *shared, own = subjects = sorted(guessing.subject(new_token()) for _ in range(3))
    count(Visitor(), subjects)

    def meanwhile(act, *given):
        with web_app.app_context(), fresh_session():
            act(Visitor(), *given)

    with psycopg.connect(play_stage.url("superuser")) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("SELECT FROM sign_in_attempts WHERE subject_hash = %s FOR UPDATE", [subjects[0]])
        guess = pool.submit(meanwhile, count, subjects)
        await_in_line(1)
        answer = pool.submit(meanwhile, forget, own, shared)
        await_in_line(2)
        holder.rollback()
        guess.result()
        answer.result()
    left = as_superuser("SELECT * FROM sign_in_attempts WHERE subject_hash = ANY(%s)", subjects)
    assert {bytes(row.subject_hash): row.failures for row in left} == dict.fromkeys(shared, 1)
