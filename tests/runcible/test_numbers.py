"""Certification numbers catch what people mistype."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcible.certification.numbers import LAST_SEQUENCE, Number, format_number, parse_number
from runcible.errors import NumberInvalid

sequences = st.integers(1, LAST_SEQUENCE)


@pytest.mark.parametrize(
    ("year", "sequence", "number"),
    [
        (2026, 42, "RC-2026-0000000042-Y"),
        (2026, 1, "RC-2026-0000000001-7"),
        (9999, LAST_SEQUENCE, "RC-9999-9999999999-K"),
    ],
)
def test_a_number_never_changes_its_spelling(year, sequence, number):
    assert format_number(year, sequence) == number
    assert parse_number(number) == Number(year, sequence)


@given(st.integers(0, 9999), sequences)
def test_the_weighted_sum_with_the_check_character_is_nothing(year, sequence):
    *digits, check = format_number(year, sequence).replace("RC", "").replace("-", "")
    values = [*map(int, digits), "0123456789ABCDEFHJKLMNPRSTUVWXY".index(check)]
    assert sum(value * 3**power for power, value in enumerate(reversed(values))) % 31 == 0


@given(st.integers(0, 9999), sequences)
def test_what_is_written_is_read(year, sequence):
    assert parse_number(format_number(year, sequence)) == Number(year, sequence)


@given(sequences, st.integers(3, 18), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_caught(sequence, place, digit):
    number = format_number(2026, sequence)
    wrong = number[:place] + digit + number[place + 1 :]
    if wrong != number:
        with pytest.raises(NumberInvalid):
            parse_number(wrong)


@given(sequences, st.integers(3, 17), st.integers(3, 17))
def test_two_swapped_digits_are_caught(sequence, first, second):
    wrong = list(number := format_number(2026, sequence))
    wrong[first], wrong[second] = wrong[second], wrong[first]
    wrong = "".join(wrong)
    if wrong != number:
        with pytest.raises(NumberInvalid):
            parse_number(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RC-2026-0000000042",
        "rc-2026-0000000042-y",
        " RC-2026-0000000042-Y",
        "RC-2026-0000000042-Y\n",
        "RC-2026-42-Y",
        "RC-2026-\u0660000000042-Y",
        "RC-2026-0000000000-A",
        "RC-2026-0000000042-",
    ],
    ids=ascii,
)
def test_anything_else_is_no_number(text):
    with pytest.raises(NumberInvalid):
        parse_number(text)


@pytest.mark.parametrize(("year", "sequence"), [(10_000, 1), (-1, 1), (2026, 0), (2026, LAST_SEQUENCE + 1)])
def test_what_does_not_fit_is_not_written(year, sequence):
    with pytest.raises(ValueError):
        format_number(year, sequence)
