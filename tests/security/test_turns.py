"""Sockets ask the database in turns: who waits too long for one is to come again, and a turn ends once."""

from __future__ import annotations

import pytest

from app.core.errors import Unavailable
from app.web.turns import Turns


def test_who_waits_too_long_for_a_turn_is_to_come_again():
    turns = Turns(1, longest_wait=0.01)
    with turns.one(), pytest.raises(Unavailable), turns.one():
        pytest.fail("There is one turn only.")


def test_a_turn_that_ended_is_there_for_the_next_and_is_given_back_once():
    turns = Turns(1, longest_wait=0.01)
    with turns.one() as first:
        first.end()
        with turns.one():
            first.end()
            with pytest.raises(Unavailable), turns.one():
                pytest.fail("It was given back twice.")
