"""RFC 8785: one value, one sequence of bytes."""

import json
import struct
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from runcible.canonical import canonical_json, sha256_hex
from runcible.errors import NotCanonical

VECTORS = Path(__file__).parent.parent / "vectors" / "jcs"

texts = st.text(st.characters(exclude_categories=["Cs"]))
integers = st.integers(-(2**53) + 1, 2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number) < 2**53 or abs(number) >= 1e21  # between, it is spelt like an integer that is too large
)


def documents(numbers):
    leaves = st.none() | st.booleans() | numbers | texts
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30)


@given(documents(integers))
def test_the_fast_writer_writes_what_the_careful_one_does(document):
    assert canonical_json(document) == rfc8785.dumps(document)


@given(documents(integers | floats))
def test_writing_again_what_was_read_changes_nothing(document):
    written = canonical_json(document)
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize("name", sorted(path.stem for path in (VECTORS / "input").glob("*.json")))
def test_it_agrees_with_the_examples_of_the_rfc(name):
    document = json.loads((VECTORS / "input" / f"{name}.json").read_text())
    assert canonical_json(document) == (VECTORS / "output" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(("bits", "spelling"), json.loads((VECTORS / "numbers.json").read_text()))
def test_it_spells_numbers_as_appendix_b_does(bits, spelling):
    assert canonical_json(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == spelling


def test_keys_beyond_ascii_are_sorted_by_utf_16_which_orjson_does_not():
    document = {"\ue000": 1, "\U0001f600": 2}
    assert canonical_json(document) == '{"\U0001f600":2,"\ue000":1}'.encode()
    assert orjson.dumps(document, option=orjson.OPT_SORT_KEYS) != canonical_json(document)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), 2**70, Decimal("1.5"), "\ud800", {1: 2}, {"a": b"x"}, 1j],
    ids=str,
)
def test_it_refuses_what_json_can_not_say(value):
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_the_digest_is_that_of_sha256sum():
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
