"""Before and after as an auditor reads them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.core import clock
from app.core.audit_state import state
from app.core.ids import new_id
from app.core.money import Money
from app.queries.audit_reading import AuditEvent, Change
from app.queries.audit_things import Thing
from app.web.audit_values import KEPT, MOST_ROWS, shown_changes, shown_value

LONG = "We answer every letter within ten working days, and say who answers it."


def an_event(*changes: Change, action: str = "update", things: Any = None) -> AuditEvent:
    return AuditEvent(
        id=1, event_id=new_id(), event_type="task.updated", entity_type="Task", entity_id="x", action=action,
        actor_user_id=1, actor_name="Alice", network=None, via="session", credential_id=None, key_prefix=None,
        request_id=None, facts={}, changes=list(changes), created_at=clock.now(), things=things or {},
    )  # fmt: skip


def rows(before, after, field="name", **more):
    return shown_changes(an_event(Change(field, before, after), **more), in_short=False)


def told(before, after, field="name", **more):
    return [(row["field"], row["before"], row["after"]) for row in rows(before, after, field, **more)]


def pieces(before, after, field="name", **more):
    (row,) = rows(before, after, field, **more)
    return row["pieces"]


def test_a_nested_value_is_told_path_by_path_and_only_where_it_differs():
    before = {"rules": [{"id": "length", "at_most": 100}, {"id": "tone"}], "title": "Letters", "notes": None}
    after = {"rules": [{"id": "length", "at_most": 80}, {"id": "tone"}], "title": "Letters", "notes": "New"}
    assert told(before, after, "policy") == [
        ("Policy › Rules › 1 › At most", "100", "80"),
        ("Policy › Notes", None, "New"),
    ]


def test_a_nested_value_that_came_whole_is_told_whole():
    assert told(None, {"kind": "Task", "who": {"name": "Bob"}}, "filters") == [
        ("Filters › Kind", None, "Task"), ("Filters › Who › Name", None, "Bob"),
    ]  # fmt: skip


def test_a_nested_value_without_end_is_cut_and_says_how_much_is_left_out():
    shown = told(None, {f"key {number}": number for number in range(MOST_ROWS + 7)}, "filters")
    assert len(shown) == MOST_ROWS + 1
    assert shown[-1] == ("Filters", None, "and 7 more")


def test_a_list_says_what_was_taken_out_what_was_put_in_and_what_stayed():
    scopes = pieces(["task.view", "task.move", "program.view"], ["task.view", "program.view", "task.update"], "scopes")
    assert [how for how, text in scopes if text != " · "] == ["gone", "new", "same"]
    assert pieces(["a", "b"], ["b", "a"], "scopes") is None, "only the order is another"
    assert told(["a", "b"], ["b", "a"], "scopes") == [("Scopes", "a, b", "b, a")]


def test_the_ids_in_a_list_are_told_by_name():
    things = {("AccessRole", "r1"): Thing("Reviewer", None), ("AccessRole", "r2"): Thing("Auditor", None)}
    assert pieces(["r1"], ["r2"], "managed_role_ids", things=things) == [
        ("gone", "Reviewer"), ("same", " · "), ("new", "Auditor"),
    ]  # fmt: skip


def test_a_long_text_is_compared_word_by_word():
    changed = pieces(LONG, LONG.replace("ten", "five"), "description")
    assert [piece for piece in changed if piece[0] != "same"] == [("gone", "ten"), ("new", "five")]


def test_another_text_is_shown_whole_and_not_in_shreds():
    other = "Whoever is not content may ask somebody else to look at the letter once more, within a month."
    assert pieces(LONG, other, "description") == [("gone", LONG), ("new", other)]


def test_a_very_long_text_is_shown_with_the_words_around_what_changed():
    text = "word " * 1000 + "ten " + "word " * 1000
    event = an_event(Change("description", text, text.replace("ten", "five")))
    [short], [whole] = (shown_changes(event, in_short=in_short) for in_short in (True, False))
    assert sum(len(each) for _how, each in short["pieces"]) < 3 * KEPT
    assert [piece for piece in short["pieces"] if piece[0] != "same"] == [("gone", "ten"), ("new", "five")]
    assert "".join(each for how, each in whole["pieces"] if how != "new") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, LONG + " "),
        (LONG, LONG.replace("days, ", "days,\n")),
        ("Bob", "Bob "),
        ("a\tb", "a b"),
        (LONG, LONG + "\u200b"),
    ],
)
def test_a_change_that_nobody_would_see_is_made_visible(before, after):
    (row,) = rows(before, after, "description")
    shown = [text for how, text in row["pieces"] if how != "same"] if row["pieces"] else [row["before"], row["after"]]
    assert any(mark in text for text in shown for mark in "·↵⇥⟦"), shown


def test_a_name_that_turns_the_text_around_is_spelt_out():
    assert told("Bob", "Bob\u202eecilA") == [("Name", "Bob", "Bob⟦U+202E⟧ecilA")]


def test_money_days_and_moments_are_told_as_such(app):
    assert told({"amount": "9.50", "currency": "EUR"}, {"amount": "12.50", "currency": "EUR"}, "rate") == [
        ("Rate", "9.50 EUR", "12.50 EUR")
    ]
    assert told("2026-11-22", "2026-12-01", "due_on") == [("Due on", "22 Nov 2026", "1 Dec 2026")]
    [(_field, before, after)] = told("2026-11-22T15:05:30+01:00", "2026-11-23T15:05:30+01:00", "expires_at")
    assert '<time datetime="2026-11-22T14:05:30+00:00"' in before
    assert ">23 Nov 2026, 14:05:30</time>" in after
    assert pieces("2026-11-22T15:05:30+01:00", "2026-11-23T15:05:30+01:00", "expires_at") is None


def test_what_looks_like_a_moment_in_a_text_stays_as_it_was_typed():
    assert told("2026-11-22", "2026-11-22T15:05:30+01:00") == [("Name", "2026-11-22", "2026-11-22T15:05:30+01:00")]


def test_yes_no_and_nothing_are_told_in_words():
    assert told(False, True, "is_active") == [("Is active", "no", "yes")]
    assert told(0, 480, "estimate_minutes") == [("Estimate minutes", "0", "480")]
    (row,) = rows("Bob", None)
    assert (row["before"], row["after"], row["says_nothing"]) == ("Bob", None, True)
    assert not rows(None, "Bob", action="create")[0]["says_nothing"]
    assert rows(None, "") == []


def test_what_was_erased_and_what_is_withheld_is_not_compared():
    changes = [Change("name", None, None, erased=True), Change("description", None, None, withheld=True)]
    shown = shown_changes(an_event(*changes), in_short=False)
    assert [(row["field"], row["erased"], row["withheld"]) for row in shown] == [
        ("Name", True, False), ("Description", False, True),
    ]  # fmt: skip


def test_an_id_is_told_by_its_name_and_by_itself_once_the_thing_is_gone():
    gone = UUID(int=7)
    event = an_event(things={("Program", str(gone)): Thing("Spring", None)})
    assert shown_value(event, "program_id", str(gone)) == "Spring"
    assert shown_value(an_event(), "program_id", str(gone)) == str(gone)


def test_the_trail_keeps_money_as_amount_and_currency():
    class Card:
        audited = ("rate",)
        rate = Money(Decimal("12.50"), "EUR")

    assert state(Card()) == {"rate": {"amount": "12.50", "currency": "EUR"}}
