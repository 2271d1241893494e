"""Keys of an order in which anything can be put between any two: texts that sort as their bytes do (COLLATE "C").

A key is a whole number and a fraction of it, in base 62. The first character says how many digits the whole number has:
"a" one, "b" two; "Z" one and "Y" two of those below zero. So what is put at an end, as most is, stays short; only what
is put between two neighbours again and again grows, and LONGEST says when an order is numbered anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, repeat

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONGEST = 40  # a key beyond this asks for numbering its neighbours anew

_FIRST = "a0"
_BASE = len(DIGITS)
_LEAST = "A" + "0" * 26  # never a key by itself: nothing would lie before it


def between(lower: str | None, upper: str | None) -> str:
    """A key after `lower` and before `upper`; None stands for an end of the order."""
    assert lower is None or upper is None or lower < upper, f"Nothing lies between {lower} and {upper}."
    if lower is None:
        return _FIRST if upper is None else _before(upper)
    whole, fraction = _parts(lower)
    if upper is not None and upper.startswith(whole):
        return whole + _amid(fraction, _parts(upper)[1])
    following = _step(whole, 1)
    if following is None or (upper is not None and following >= upper):
        return whole + _amid(fraction, None)
    return following


def spread(count: int) -> Iterator[str]:
    """So many keys, one after the other and as short as can be."""
    return accumulate(repeat(None, count - 1), lambda key, _: between(key, None), initial=_FIRST) if count else iter(())


def _before(upper: str) -> str:
    whole, fraction = _parts(upper)
    if whole == _LEAST:
        return whole + _amid("", fraction)
    earlier = whole if fraction else _step(whole, -1)
    assert earlier is not None
    return earlier + _amid("", None) if earlier == _LEAST else earlier


def _parts(key: str) -> tuple[str, str]:
    size = _size(key[0])
    return key[:size], key[size:]


def _size(head: str) -> int:
    """How long a whole number is that begins with `head`, with that."""
    return ord(head) - ord("a") + 2 if head >= "a" else ord("Z") - ord(head) + 2


def _step(whole: str, way: int) -> str | None:
    """The next whole number, or the one before. None where there is none."""
    head, size = whole[0], _size(whole[0]) - 1
    number = sum(DIGITS.index(digit) * _BASE**place for place, digit in enumerate(reversed(whole[1:]))) + way
    if not 0 <= number < _BASE**size:
        following = {"Z": "a", "z": None} if way > 0 else {"a": "Z", "A": None}
        beside = following[head] if head in following else chr(ord(head) + way)
        if beside is None:
            return None
        head, size = beside, _size(beside) - 1
        number = 0 if way > 0 else _BASE**size - 1
    return head + "".join(DIGITS[number // _BASE**place % _BASE] for place in reversed(range(size)))


def _amid(lower: str, upper: str | None) -> str:
    """A fraction between two, as short as can be. None stands for one; no fraction ends in a zero."""
    same = 0
    while upper and same < len(upper) and (lower[same : same + 1] or "0") == upper[same]:
        same += 1
    if same:
        assert upper is not None
        return upper[:same] + _amid(lower[same:], upper[same:])
    low = DIGITS.index(lower[0]) if lower else 0
    high = DIGITS.index(upper[0]) if upper else _BASE
    if high - low > 1:
        return DIGITS[(low + high) // 2]
    if upper and len(upper) > 1:
        return upper[0]
    return DIGITS[low] + _amid(lower[1:], None)
