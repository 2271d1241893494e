"""Payment card numbers: the prefix and length of an issuer, and the Luhn check digit (ISO/IEC 7812-1).

Digits may be grouped by single spaces or hyphens. Ten of a hundred random numbers pass Luhn, so prefixes and
lengths have to agree as well.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from runcible.governance.patterns import compile_pattern
from runcible.governance.validators.contract import Check, Hit, Material, Validator

_RUN = compile_pattern(r"[0-9](?:[ -]?[0-9]){11,}")
_GROUP = compile_pattern(r"[0-9]+")
_SHORTEST, _LONGEST, _FIRST_GROUP = 12, 19, 4

# (first prefix, last prefix, lengths); prefixes of one row have the same number of digits.
_ISSUERS = (
    (34, 34, {15}),  # American Express
    (37, 37, {15}),
    (300, 305, {14, 16, 19}),  # Diners Club
    (3095, 3095, {14, 16, 19}),
    (36, 36, {14, 16, 19}),
    (38, 39, {14, 16, 19}),
    (3528, 3589, {16, 17, 18, 19}),  # JCB
    (4, 4, {13, 16, 18, 19}),  # Visa
    (51, 55, {16}),  # Mastercard
    (2221, 2720, {16}),
    (50, 50, {12, 13, 14, 15, 16, 17, 18, 19}),  # Maestro
    (56, 58, {12, 13, 14, 15, 16, 17, 18, 19}),
    (6304, 6304, {12, 13, 14, 15, 16, 17, 18, 19}),
    (6759, 6763, {12, 13, 14, 15, 16, 17, 18, 19}),
    (6011, 6011, {16, 17, 18, 19}),  # Discover
    (644, 649, {16, 17, 18, 19}),
    (65, 65, {16, 17, 18, 19}),
    (62, 62, {16, 17, 18, 19}),  # UnionPay
    (81, 81, {16, 17, 18, 19}),
    (60, 60, {16}),  # RuPay
    (82, 82, {16}),
    (508, 508, {16}),
    (9792, 9792, {16}),  # Troy
    (2200, 2204, {16, 17, 18, 19}),  # Mir
    (1, 1, {15}),  # UATP
)

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _prepare(parameters: dict[str, Any]) -> Check:
    def check(material: Material) -> Iterable[Hit]:
        reading = material.reading
        for run in _RUN.finditer(reading.text):
            for start, end in _cards_in(reading.text, *run.span()):
                yield Hit(*reading.span(start, end), "holds a payment card number")

    return check


def _cards_in(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Each card number in one run of grouped digits. It begins and ends with a group."""
    groups = [(start + first, start + last) for first, last in _groups(text[start:end])]
    if _continues(text[max(0, start - 2) : start][::-1]):
        groups = groups[1:]
    if _continues(text[end : end + 2]):
        groups = groups[:-1]
    first = 0
    while first < len(groups):
        first = _better_start(text, groups, first)
        last = _last_group_of_card(text, groups, first)
        if last is not None:
            yield groups[first][0], groups[last][1]
        first = first + 1 if last is None else last + 1


def _groups(run: str) -> list[tuple[int, int]]:
    return [match.span() for match in _GROUP.finditer(run)]


def _continues(neighbours: str) -> bool:
    """Whether the outermost group is part of a word or of a decimal number. The nearest neighbour comes first."""
    return neighbours[:1].isalnum() or (neighbours[:1] in {".", ","} and neighbours[1:].isdigit())


def _better_start(text: str, groups: list[tuple[int, int]], first: int) -> int:
    """Cards are grouped with at least four digits first: another number before one must not be taken as its start."""
    last = _last_group_of_card(text, groups, first)
    if last is None or _size(groups[first]) >= _FIRST_GROUP:
        return first
    for later in range(first + 1, last + 1):
        if _size(groups[later]) >= _FIRST_GROUP and _last_group_of_card(text, groups, later) is not None:
            return later
    return first


def _size(group: tuple[int, int]) -> int:
    return group[1] - group[0]


def _last_group_of_card(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits = ""
    for last in range(first, len(groups)):
        digits += text[slice(*groups[last])]
        if len(digits) > _LONGEST:
            return None
        if len(digits) >= _SHORTEST and _is_card(digits):
            return last
    return None


def _is_card(digits: str) -> bool:
    return _has_issuer(digits) and _passes_luhn(digits) and len(set(digits)) > 1


def _has_issuer(digits: str) -> bool:
    return any(
        low <= int(digits[: len(str(low))]) <= high and len(digits) in lengths for low, high, lengths in _ISSUERS
    )


def _passes_luhn(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


VALIDATOR = Validator(
    name="card_numbers",
    version=1,
    parameters={"type": "object", "properties": {}, "additionalProperties": False},
    prepare=_prepare,
)
