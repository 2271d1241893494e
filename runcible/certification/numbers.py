"""Certification numbers, such as `RC-2026-0000000042-Y`: for reading aloud, with a character that catches mistakes.

The last character makes the sum of all digits, each times a power of 3, come out as 0 modulo 31. 31 is prime and the
powers differ, so every single wrong digit and every swap of any two digits is caught. Its alphabet leaves out G, I, O,
Q and Z, which are mistaken for digits. A number is no secret and gives access to nothing.
"""

import re
from dataclasses import dataclass

from runcible.errors import NumberInvalid

_ALPHABET = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_NUMBER = re.compile(r"RC-([0-9]{4})-([0-9]{10})-([0-9A-Z])")
LAST_SEQUENCE = 9_999_999_999


@dataclass(frozen=True, slots=True)
class Number:
    """The year in which a number was reserved, and its place among those of the year, from 1."""

    year: int
    sequence: int


def format_number(year: int, sequence: int) -> str:
    """Write the number with its check character. Raises ValueError outside 0 to 9999 and 1 to 9,999,999,999."""
    if not (0 <= year <= 9999 and 1 <= sequence <= LAST_SEQUENCE):
        raise ValueError("a certification number has a year of four digits and a sequence of ten")
    body = f"RC-{year:04}-{sequence:010}"
    return f"{body}-{_check_character(body)}"


def parse_number(text: str) -> Number:
    """Read a number back. Raises NumberInvalid for a wrong form or check character: probably a typing mistake."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise NumberInvalid("A certification number looks like RC-2026-0000000042-Y.")
    if _check_character(text[:-2]) != match[3]:
        raise NumberInvalid("The last character doesn't agree with the rest of this number: one of them is mistyped.")
    if int(match[2]) == 0:
        raise NumberInvalid("Certification numbers are counted from 1.")
    return Number(int(match[1]), int(match[2]))


def _check_character(body: str) -> str:
    total = 0
    for digit in filter(str.isdecimal, body):
        total = (total + int(digit)) * 3 % 31
    return _ALPHABET[-total % 31]
