"""What is hashed, and what can't be certified at all."""

import hashlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcible import strict_json
from runcible.content import Context, Output
from runcible.errors import ContentInvalid

CRLF = "caf\u00e9\r\n\U0001f600 "


def test_a_text_is_hashed_exactly_as_it_came():
    output = Output.of_text(CRLF)
    assert output.bytes == CRLF.encode()
    assert output.digest == hashlib.sha256(CRLF.encode()).hexdigest()
    assert output.document == {"media_type": "text/plain; charset=utf-8", "text": CRLF}


def test_composed_and_decomposed_letters_stay_two_texts():
    assert Output.of_text("\u00e9").digest != Output.of_text("e\u0301").digest


def test_json_is_hashed_in_its_canonical_form():
    value = strict_json.loads(b'{"b": 1.50, "a": [1e2, 1.0, -0.0], "\xc3\xa9": null}')
    output = Output.of_json(value)
    assert output.text == '{"a":[100,1,0],"b":1.5,"\u00e9":null}'
    assert output.digest == hashlib.sha256(output.text.encode()).hexdigest()
    assert output.hash_scheme == "jcs-sha256"


def test_two_spellings_of_one_json_value_are_one_content():
    first, second = b'{"a":1,"b":2.0}', b'{ "b": 2, "a": 1e0 }'
    assert Output.of_json(strict_json.loads(first)) == Output.of_json(strict_json.loads(second))


numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_a_json_content_survives_being_stored(value):
    output = Output.of_json(value)
    stored = json.dumps(output.document)  # as a JSONB column does
    assert Output.from_document(json.loads(stored)) == output
    assert Output.from_document(strict_json.loads(stored.encode())) == output
    assert Output.of_json(strict_json.loads(output.bytes)).digest == output.digest


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (2**53, "json"),
        ({"a": [1, -(2**53)]}, "json.a[1]"),
        (Decimal("1e20"), "json"),
        (1e300, "json"),
        (Decimal("9007199254740993.1"), "json"),
        (Decimal("0.1000000000000000055511151231257827"), "json"),
        (float("nan"), "json"),
        (float("inf"), "json"),
        (Decimal("1e999"), "json"),
        ({"a": "\0"}, "json.a"),
        ({"\ud800": 1}, "json"),
        ({1: 2}, "json"),
        ({"a": {1, 2}}, "json.a"),
        ("x" * 1_048_577, "json"),
    ],
    ids=str,
)
def test_json_that_readers_would_disagree_about_is_refused(value, field):
    with pytest.raises(ContentInvalid) as refused:
        Output.of_json(value)
    assert [one.field for one in refused.value.fields] == [field]


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_32_levels_are_enough():
    assert Output.of_json(nested(32)).text == "[" * 32 + "]" * 32
    with pytest.raises(ContentInvalid):
        Output.of_json(nested(33))
    with pytest.raises(ContentInvalid):
        Output.of_json(nested(5000))


@pytest.mark.parametrize("text", ["", "a\0b", "\ud800", "x" * 1_048_577, "\u20ac" * 400_000, 5, None, b"x"])
def test_a_text_that_can_not_be_kept_is_refused(text):
    with pytest.raises(ContentInvalid):
        Output.of_text(text)


@pytest.mark.parametrize("text", ["\u202e", "\u200b", "\ufeffx", "\x07", "\r"])
def test_strange_characters_are_for_the_policy_to_judge(text):
    assert Output.of_text(text).text == text


@pytest.mark.parametrize("media_type", ["text/markdown", "text/html; charset=utf-8"])
def test_other_texts_have_their_media_type(media_type):
    assert Output.of_text("x", media_type).document["media_type"] == media_type


@pytest.mark.parametrize(
    "document",
    [
        {"media_type": "text/plain; charset=latin-1", "text": "x"},
        {"media_type": "image/png", "text": "x"},
        {"media_type": "text/plain", "json": {}},
        {"media_type": "text/plain\n", "text": "x"},
        {"media_type": 5, "text": "x"},
        {"media_type": "text/plain", "text": "x", "json": 1},
        {"text": "x"},
        {},
        [],
        None,
        "x",
    ],
    ids=str,
)
def test_a_document_of_another_shape_is_refused(document):
    with pytest.raises(ContentInvalid):
        Output.from_document(document)


def test_quote_digests_need_the_whole_text_to_be_made():
    output = Output.of_text("Call 123-45-6789 now.")
    (digest,) = output.quote_digests([(5, 16)])
    assert digest == hashlib.sha256(output.bytes + b"\x00123-45-6789").hexdigest()
    assert digest != hashlib.sha256(b"123-45-6789").hexdigest()


def test_an_input_is_known_by_its_text_or_by_its_hash():
    digest = hashlib.sha256(b"Why?").hexdigest()
    assert Context("acme", "m", input_text="Why?").input_digest == digest
    assert Context("acme", "m", input_hash=digest).input_digest == digest
    assert Context("acme", "m", "Why?", digest).captured == "supplied"
    assert Context("acme", "m", input_hash=digest).captured == "hash"
    assert Context("acme", "m").captured == "none"


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"input_hash": "ABC"}, "input_hash"),
        ({"input_hash": "A" * 64}, "input_hash"),
        ({"input_text": "a", "input_hash": "0" * 64}, "input_hash"),
        ({"input_text": "a\0"}, "input"),
        ({"provider": "x" * 201}, "llm_provider"),
        ({"model": "\ud800"}, "model_name"),
    ],
    ids=str,
)
def test_a_context_that_contradicts_itself_is_refused(context, field):
    with pytest.raises(ContentInvalid) as refused:
        Context(**{"provider": "acme", "model": "m", **context})
    assert [one.field for one in refused.value.fields] == [field]
