"""Keyset paging: every row once, in both directions, and no cursor but our own."""

from __future__ import annotations

import base64
from uuid import uuid4

import pytest
from sqlalchemy import Integer, literal_column, select, text

from app.core.database import db
from app.core.errors import InvalidParameter
from app.core.paging import Cursor, Listing, Paging
from app.models.programs import Program
from tests.core.rooms import inside
from tests.factories import a_program


def page(paging, **filters):
    return Listing(select(Program.id, Program.key), Program.id).page(db.session, paging, filters)


def keys(found):
    return [row.key for row in found.rows]


@pytest.fixture
def seven(alice):
    for number in range(7):
        a_program(alice, key=f"K{number}")
    with inside(alice.organisation):
        yield alice


def test_walking_forwards_shows_every_row_once_newest_first(seven):
    shown, paging = [], Paging(size=3)
    while True:
        found = page(paging)
        shown.append(keys(found))
        if found.next is None:
            break
        paging = Paging(found.next, 3)
    assert shown == [["K6", "K5", "K4"], ["K3", "K2", "K1"], ["K0"]]


def test_walking_back_shows_the_same_pages(seven):
    first = page(Paging(size=3))
    second = page(Paging(first.next, 3))
    third = page(Paging(second.next, 3))
    back = page(Paging(third.prev, 3))
    assert keys(back) == keys(second)
    front = page(Paging(back.prev, 3))
    assert (keys(front), front.prev) == (keys(first), None)
    assert front.next is not None


def test_a_row_that_comes_meanwhile_shifts_nothing(seven):
    first = page(Paging(size=3))
    a_program(seven, key="NEW")
    with inside(seven.organisation):
        assert keys(page(Paging(first.next, 3))) == ["K3", "K2", "K1"]


def test_the_last_page_that_is_exactly_full_has_no_next(seven):
    assert page(Paging(size=7)).next is None
    assert page(Paging(size=6)).next is not None


def test_beyond_the_end_there_is_nothing(seven):
    last = page(Paging(size=7))
    beyond = page(Paging(Cursor(last.rows[-1].id, "after"), 3))
    assert (beyond.rows, beyond.next, beyond.prev) == ([], None, None)


def test_one_page_is_one_statement(seven, count_queries):
    page(Paging(size=3))  # the first statement of a transaction brings the one that enters the organisation
    assert count_queries(lambda: page(Paging(size=3))) == 1


def test_empty_filters_are_not_repeated(seven):
    assert page(Paging(size=3), status="open", task_id=None, name="").filters == {"status": "open"}


def count_page(paging, **how):
    query = select(literal_column("n", Integer).label("n")).select_from(text("generate_series(1, 7) AS n"))
    return Listing(query, literal_column("n", Integer), **how).page(db.session, paging)


@pytest.mark.parametrize(
    ("how", "pages"),
    [({}, [[7, 6, 5], [4, 3, 2], [1]]), ({"oldest_first": True}, [[1, 2, 3], [4, 5, 6], [7]])],
    ids=["newest first", "oldest first"],
)
def test_what_is_counted_is_walked_both_ways_too(seven, how, pages):
    down, up, paging = [], [], Paging(size=3)
    while paging is not None:
        found = count_page(paging, **how)
        down.append([row.n for row in found.rows])
        paging, last = found.next and Paging(found.next, 3), found
    paging = Paging(last.prev, 3)
    while paging is not None:
        found = count_page(paging, **how)
        up.append([row.n for row in found.rows])
        paging = found.prev and Paging(found.prev, 3)
    assert (down, up) == (pages, pages[-2::-1])


def test_the_cursor_of_another_kind_of_list_is_refused(seven):
    for cursor, list_of in ((Cursor(3, "after"), page), (Cursor(uuid4(), "after"), count_page)):
        with pytest.raises(InvalidParameter):
            list_of(Paging(cursor, 3))


@pytest.mark.parametrize("direction", ["after", "before"])
@pytest.mark.parametrize("row", [uuid4(), 0, 1, 2**63 - 1], ids=["id", "nothing", "first", "last"])
def test_a_cursor_survives_its_journey_through_a_link(direction, row):
    cursor = Cursor(row, direction)
    assert Cursor.read(str(cursor)) == cursor
    assert str(cursor).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    ["", "x", "42", "; DROP TABLE tasks", "é", "A" * 10_000, "AAAA", "%00", "\x00",
     base64.urlsafe_b64encode(b"?" + bytes(16)).decode().rstrip("="),
     base64.urlsafe_b64encode(b">" + b"\x80" + bytes(7)).decode().rstrip("="),
     base64.urlsafe_b64encode(b">" + bytes(15)).decode().rstrip("="),
     base64.urlsafe_b64encode(b">" + bytes(17)).decode().rstrip("=")],
)  # fmt: skip
def test_a_forged_cursor_is_refused_in_words(text):
    with pytest.raises(InvalidParameter) as refused:
        Cursor.read(text)
    assert list(refused.value.fields) == ["cursor"]
