"""The cases of the design's list of bad input, at the one decoder."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcible import strict_json
from runcible.errors import (
    BadText,
    DuplicateKey,
    JsonTooDeep,
    MalformedJson,
    NumberOutOfRange,
    PayloadTooLarge,
    StrictJsonError,
)
from tests.effort import readings

REFUSED = {
    "escaped NUL": (b'{"name":"a\\u0000b"}', BadText, "name"),
    "raw NUL in a text": (b'{"name":"a\x00b"}', MalformedJson, None),
    "raw NUL outside": (b'{"name":1}\x00', MalformedJson, None),
    "lone high surrogate": (b'{"name":"\\ud800"}', BadText, "name"),
    "lone low surrogate": (b'{"name":"\\uDFFF"}', BadText, "name"),
    "surrogates the wrong way round": (b'{"name":"\\ude00\\ud83d"}', BadText, "name"),
    "surrogate in a key": (b'{"a":{"\\ud800":1}}', BadText, "a.?"),
    "not UTF-8": (b'{"name":"\xff"}', MalformedJson, None),
    "overlong UTF-8": (b'{"name":"\xc0\xaf"}', MalformedJson, None),
    "surrogate in UTF-8": (b'{"name":"\xed\xa0\x80"}', MalformedJson, None),
    "UTF-16": ('{"name":"x"}'.encode("utf-16"), MalformedJson, None),
    "UTF-16 without a mark": ('{"name":"x"}'.encode("utf-16-le"), MalformedJson, None),
    "byte order mark": (b'\xef\xbb\xbf{"a":1}', MalformedJson, None),
    "1e400": (b'{"amount":1e400}', NumberOutOfRange, "amount"),
    "-1e400 in a list": (b'{"a":[{"amount":-1e400}]}', NumberOutOfRange, "a[0].amount"),
    "1e-400": (b'{"amount":1e-400}', NumberOutOfRange, "amount"),
    "0e999999": (b'{"amount":0e999999}', NumberOutOfRange, "amount"),
    "1e999999": (b'{"amount":1e999999}', NumberOutOfRange, "amount"),
    "an exponent beyond Decimal": (b'{"amount":1e99999999999999999999}', NumberOutOfRange, "amount"),
    "an endless exponent": (b'{"amount":1e' + b"9" * 5000 + b"}", NumberOutOfRange, "amount"),
    "5,000 digits": (b'{"amount":' + b"9" * 5000 + b"}", NumberOutOfRange, "amount"),
    "5,000 decimals": (b'{"amount":1.' + b"9" * 5000 + b"}", NumberOutOfRange, "amount"),
    "NaN": (b'{"amount":NaN}', MalformedJson, None),
    "Infinity": (b'{"amount":Infinity}', MalformedJson, None),
    "-Infinity": (b'{"amount":-Infinity}', MalformedJson, None),
    "duplicate key": (b'{"n":1,"n":2}', DuplicateKey, "n"),
    "duplicate key deep inside": (b'{"a":[{"n":1,"\\u006e":1}]}', DuplicateKey, "n"),
    "33 levels": (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", JsonTooDeep, None),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, JsonTooDeep, None),
    "100,000 levels, unclosed": (b'{"a":' * 100_000, JsonTooDeep, None),
    "trailing bytes": (b'{"a":1} x', MalformedJson, None),
    "two documents": (b"{}{}", MalformedJson, None),
    "trailing comma": (b'{"a":1,}', MalformedJson, None),
    "a comment": (b'{"a":1/**/}', MalformedJson, None),
    "single quotes": (b"{'a':1}", MalformedJson, None),
    "leading zero": (b'{"a":01}', MalformedJson, None),
    "a plus sign": (b'{"a":+1}', MalformedJson, None),
    "hexadecimal": (b'{"a":0x10}', MalformedJson, None),
    "no digits after the point": (b'{"a":1.}', MalformedJson, None),
    "nothing": (b"", MalformedJson, None),
    "white space": (b" \n", MalformedJson, None),
    "raw line break in a text": (b'{"a":"x\ny"}', MalformedJson, None),
    "unknown escape": (b'{"a":"\\x41"}', MalformedJson, None),
    "brackets the wrong way round": (b"]" * 40 + b"[" * 40, MalformedJson, None),
    "too many values": (b'{"a":[' + b"1," * 30_000 + b"1]}", PayloadTooLarge, None),
    "too many brackets": (b"[" + b"[]," * 30_000 + b"[]]", PayloadTooLarge, None),
    "too many bytes": (b'{"a":"' + b"x" * strict_json.MAX_BYTES + b'"}', PayloadTooLarge, None),
}


def refuse_or_read(data):
    with contextlib.suppress(StrictJsonError):
        strict_json.loads(data)


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_a_blink(case):
    data, error, field = REFUSED[case]
    with pytest.raises(error) as refused:
        strict_json.loads_object(data)
    assert readings(lambda: refuse_or_read(data)) < 10
    assert [one.field for one in refused.value.fields] == ([field] if field else [])


CODES = {
    MalformedJson: "MALFORMED_JSON",
    DuplicateKey: "DUPLICATE_KEY",
    JsonTooDeep: "JSON_TOO_DEEP",
    PayloadTooLarge: "PAYLOAD_TOO_LARGE",
    NumberOutOfRange: "VALIDATION_ERROR",
    BadText: "VALIDATION_ERROR",
}


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda one: getattr(one, "__name__", one))
def test_each_error_has_the_code_of_the_seed(error, code):
    assert error.code == code


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"1", b"true"])
def test_a_body_must_be_an_object(data):
    with pytest.raises(MalformedJson):
        strict_json.loads_object(data)
    assert strict_json.loads(data) == json.loads(data)


def test_every_bad_field_is_named_at_once():
    with pytest.raises(NumberOutOfRange) as refused:
        strict_json.loads(b'{"a":1e999,"b":[2,"\\u0000"],"c":{"d":1e999}}')
    assert [one.field for one in refused.value.fields] == ["a", "b[1]", "c.d"]


def test_numbers_are_kept_exactly():
    value = strict_json.loads(b'{"a":9007199254740993.1,"b":0.10,"c":9223372036854775807,"d":-0,"e":1E2}')
    assert value == {
        "a": Decimal("9007199254740993.1"),
        "b": Decimal("0.10"),
        "c": 2**63 - 1,
        "d": 0,
        "e": Decimal("1E+2"),
    }
    assert str(value["b"]) == "0.10"


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"\\ud83d\\ude00"}',
        b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"["}',
        b'{"a":"\\\\"}',
        b'{"a":"\\\\ud800"}',
        b"[" * 32 + b"]" * 32,
        '{"a":"\u202e"}'.encode(),
    ],
)
def test_what_only_looks_dangerous_is_let_through(data):
    assert strict_json.loads(data) == json.loads(data)


def test_limits_can_be_set():
    with pytest.raises(PayloadTooLarge):
        strict_json.loads(b'{"a":1}', max_bytes=6)
    with pytest.raises(JsonTooDeep):
        strict_json.loads(b"[[]]", max_depth=1)
    with pytest.raises(PayloadTooLarge):
        strict_json.loads(b"[1,2,3]", max_nodes=2)


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b'\\"' * 500_000,
        b'"' + b"\\\\" * 500_000 + b'"',
        b'"\\"' * 340_000,
        b"[]" * 500_000,
        b"{" * 1_000_000,
        b'{"a":' + b" " * 1_000_000 + b"}",
        b'["' + b"x" * 1_000_000 + b'"]',
    ],
    ids=["unending text", "backslashes", "many quotes", "many brackets", "braces", "spaces", "one long text"],
)
def test_a_mebibyte_of_malice_costs_little(data):
    assert readings(lambda: refuse_or_read(data)) < 30


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=5)
    ),
    max_leaves=25,
).filter(lambda value: "\\u0000" not in json.dumps(value))


@given(json_values)
def test_it_reads_what_the_standard_library_reads(value):
    assert strict_json.loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_rubbish_is_refused_with_an_error_of_the_family(data):
    with contextlib.suppress(StrictJsonError):
        strict_json.loads(data)
