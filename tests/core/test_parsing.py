"""`parse`: every error at once, one sentence a field, and nothing of what was typed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import Field, StringConstraints

from app.core.errors import Invalid
from app.core.parsing import Schema, parse


class Order(Schema):
    name: Annotated[str, StringConstraints(min_length=1, max_length=1200)]
    task_id: UUID | None = None
    copies: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    secret: Annotated[str, StringConstraints(min_length=12)] = "a secret of some length"
    size: Literal["small", "large"] = "small"
    on: date | None = None
    at: datetime | None = None
    tags: Annotated[list[str], Field(max_length=2)] = []
    urgent: bool = False


def refused(typed=True, **given):
    with pytest.raises(Invalid) as told:
        parse(Order, given, typed=typed)
    return told.value.fields


def test_good_input_is_read():
    order = parse(Order, {"name": "Tea", "copies": 2, "task_id": "01999999-0000-7000-8000-000000000000"})
    assert (order.name, order.copies, order.task_id.version) == ("Tea", 2, 7)


def test_every_error_is_told_at_once_by_field():
    wrong = refused(task_id="x", copies=0, secret="short", size="huge", at="yesterday", extra=1)
    assert wrong == {
        "name": "This is required.",
        "task_id": "This is not an id.",
        "copies": "This must be 1 or more.",
        "secret": "At least 12 characters.",
        "size": "This must be one of: 'small' or 'large'.",
        "at": "This must be a date and time with its zone, as 2026-11-22T14:05:00Z.",
        "extra": "This field is not known here.",
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": ""}, {"name": "This is required."}),
        ({"name": "x" * 1201}, {"name": "This may have at most 1,200 characters."}),
        ({"name": ["x"]}, {"name": "This must be text."}),
        ({"name": {"x": 1}}, {"name": "This must be text."}),
        ({"name": True}, {"name": "This must be text."}),
        ({"name": "x", "copies": 1001}, {"copies": "This must be 1,000 or less."}),
        ({"name": "x", "copies": "1"}, {"copies": "This must be a whole number."}),
        ({"name": "x", "on": "2026-02-30"}, {"on": "This must be a date, as 2026-11-22."}),
        ({"name": "x", "urgent": "perhaps"}, {"urgent": "This must be true or false."}),
        ({"name": "x", "tags": "one"}, {"tags": "This must be a list."}),
        ({"name": "x", "tags": ["a", "b", "c"]}, {"tags": "This may have at most 2 items."}),
        ({"name": "x", "tags": ["a", 1]}, {"tags.1": "This must be text."}),
        ({"name": "x", "task_id": 7}, {"task_id": "This must be an id."}),
    ],
)
def test_each_error_is_a_sentence_for_a_person(given, sentence):
    assert refused(**given) == sentence


def test_what_was_typed_is_not_repeated():
    wrong = refused(name="x", secret="hunter2", task_id="hunter2", size="hunter2", on="hunter2", urgent="hunter2")
    assert len(wrong) == 5
    assert "hunter2" not in " ".join(wrong.values())


def test_an_empty_field_of_a_form_means_that_nothing_was_given():
    order = parse(Order, {"name": "Tea", "task_id": "", "on": "", "tags": []}, typed=False)
    assert (order.task_id, order.on, order.tags) == (None, None, [])
    assert refused(typed=False, name="") == {"name": "This is required."}
    assert refused(typed=True, name="x", task_id="") == {"task_id": "This is not an id."}


def test_what_was_read_cannot_be_changed():
    order = parse(Order, {"name": "Tea"})
    with pytest.raises(ValueError, match="frozen"):
        order.name = "Coffee"
