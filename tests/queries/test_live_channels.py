"""Who holds a socket is looked up with what they may do now: several people together."""

from __future__ import annotations

from app.queries.live_channels import viewers


def test_several_people_are_looked_up_in_one_statement(alice, bob, mallory, count_queries):
    found = {}
    people = [alice, bob, mallory]
    asked = count_queries(lambda: found.update(viewers(alice.organisation.id, [each.user_id for each in people])))
    assert asked == 1
    assert [found[each.user_id].permissions for each in (alice, bob)] == [
        alice.actor.permissions,
        bob.actor.permissions,
    ]
    assert found[mallory.user_id] is None


def test_who_was_let_go_is_nobody_any_more(alice):
    assert viewers(alice.organisation.id, [0]) == {0: None}
