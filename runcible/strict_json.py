"""The one JSON decoder of an installation: what two readers could understand differently is refused.

RFC 8259 leaves duplicate keys, huge numbers and lone surrogates to each reader; the standard library adds NaN. Here
each is an error with a code (`runcible.errors`), and depth, size, number of values and digits are bounded before
anything is built, so that a hostile body costs milliseconds.
"""

import itertools
import json
import re
from array import array
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from runcible.errors import (
    BadText,
    DuplicateKey,
    FieldError,
    JsonTooDeep,
    MalformedJson,
    NumberOutOfRange,
    PayloadTooLarge,
    StrictJsonError,
)

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_DIGITS = 40  # a NUMERIC(38, x) and a sign
LEAST_EXPONENT, MOST_EXPONENT = -324, 308  # those of a double; int(Decimal("1e999999")) takes 40 seconds

# Possessive, with an optional closing quote: linear also for a string that never ends.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_LONGEST_KEY_SHOWN = 60


def loads(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> Any:
    """Decode one JSON text in UTF-8: integers become int, other numbers Decimal, exactly as written.

    Raises one of the StrictJsonError family. A NumberOutOfRange or BadText names every field that is at fault.
    """
    if len(data) > max_bytes:
        raise PayloadTooLarge(f"This is larger than {max_bytes} bytes.")
    text = _decode(data)
    _check_shape(data, max_depth, max_nodes)
    reader = _Reader()
    value = reader.read(text)
    if reader.refused_a_number or _SUSPECT_ESCAPE.search(text):
        _check_values(value)
    return value


def loads_object(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> dict[str, Any]:
    """Decode a body that must be an object. Raises as `loads` does, and MalformedJson for any other value."""
    value = loads(data, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)
    if not isinstance(value, dict):
        raise MalformedJson("The body must be a JSON object.")
    return value


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as refused:
        raise MalformedJson(f"This is not UTF-8: byte {refused.start} can't be decoded.") from None
    if text.startswith("\ufeff"):
        raise MalformedJson("JSON must not begin with a byte order mark.")
    return text


def _check_shape(data: bytes, max_depth: int, max_nodes: int) -> None:
    """Refuse too deep and too many before anything is parsed, by what stands outside of strings."""
    bare = _STRING.sub(b"", data)
    brackets = bare.translate(None, _NOT_BRACKETS)
    # A text with more brackets than values are allowed is refused anyway, so this is all that needs counting.
    steps = array("b", brackets[: 2 * max_nodes].translate(_STEPS))
    if max(itertools.accumulate(steps), default=0) > max_depth:
        raise JsonTooDeep(f"This is nested deeper than {max_depth} levels.")
    if len(brackets) > 2 * max_nodes or len(brackets) // 2 + bare.count(b",") + 1 > max_nodes:
        raise PayloadTooLarge(f"This holds more than {max_nodes} values.")


class _Refused:
    """Stands for a number out of range until its place in the document is known."""


_REFUSED = _Refused()


class _Reader:
    """One reading of one text; remembers whether a number was out of range."""

    def __init__(self) -> None:
        self.refused_a_number = False

    def read(self, text: str) -> Any:
        try:
            return json.loads(
                text,
                parse_int=self._integer,
                parse_float=self._decimal,
                parse_constant=_refuse_constant,
                object_pairs_hook=_object,
            )
        except StrictJsonError:
            raise
        except json.JSONDecodeError as refused:
            raise MalformedJson(f"This is not JSON: {refused}") from None
        except RecursionError:
            raise JsonTooDeep("This is nested too deep.") from None

    def _integer(self, digits: str) -> int | _Refused:
        return int(digits) if len(digits) <= MAX_DIGITS else self._refuse()

    def _decimal(self, digits: str) -> Decimal | _Refused:
        if len(digits) > 2 * MAX_DIGITS:
            return self._refuse()
        try:
            number = Decimal(digits)
        except InvalidOperation:  # an exponent that not even Decimal can hold
            return self._refuse()
        if not LEAST_EXPONENT <= number.adjusted() <= MOST_EXPONENT or len(number.as_tuple().digits) > MAX_DIGITS:
            return self._refuse()
        return number

    def _refuse(self) -> _Refused:
        self.refused_a_number = True
        return _REFUSED


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not a JSON number.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DuplicateKey(f"The key {_shown(twice)!r} stands twice in one object.", [_field(_shown(twice))])
    return result


def _shown(key: str) -> str:
    return _BAD_CHARACTER.sub("?", key[:_LONGEST_KEY_SHOWN])


def _field(path: str) -> FieldError:
    return FieldError(path, "stands twice in one object")


def _check_values(value: Any) -> None:
    """Name every number out of range and every text that can't be kept. Only reached when there is one to suspect."""
    faults = list(_faults("", value))
    numbers = [fault for fault, kind in faults if kind is NumberOutOfRange]
    if numbers:
        raise NumberOutOfRange("A number is out of range.", [fault for fault, _ in faults])
    if faults:
        raise BadText("A text holds a character that can't be kept.", [fault for fault, _ in faults])


def _faults(path: str, value: Any) -> Iterator[tuple[FieldError, type[StrictJsonError]]]:
    if isinstance(value, _Refused):
        limits = f"must have at most {MAX_DIGITS} digits and lie between 1e{LEAST_EXPONENT} and 1e{MOST_EXPONENT}"
        yield FieldError(path or "body", limits), NumberOutOfRange
    elif isinstance(value, str):
        if _BAD_CHARACTER.search(value):
            yield FieldError(path or "body", "must not hold U+0000 or half of a surrogate pair"), BadText
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(f"{path}[{index}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = f"{path}.{_shown(key)}" if path else _shown(key)
            if _BAD_CHARACTER.search(key):
                yield FieldError(inner, "its name must not hold U+0000 or half of a surrogate pair"), BadText
            yield from _faults(inner, item)
