"""JSON from the database reads as the standard library would read it, numbers of any length too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.database import db
from app.core.stored_json import read_stored_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_every_value_reads_the_same(value):
    written = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    read, wanted = read_stored_json(written), json.loads(written)
    assert read == wanted
    assert repr(read) == repr(wanted)


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 + 1, -(10**40), 10**400])
def test_no_number_is_rounded_on_its_way_from_the_database(app, number):
    query = text("SELECT jsonb_build_object('number', CAST(CAST(:number AS text) AS numeric)) AS found")
    found = db.session.scalar(query, {"number": str(number)})
    db.session.rollback()
    assert found == {"number": number}
