"""Writing DER (ITU-T X.690): the few forms that a time-stamp token is made of. Reading is left to a library.

A general encoder spends ten milliseconds of Python on a token whose structure never changes; this spends none worth
measuring, and every token that it writes is read back by three other programs in the tests.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

NULL = b"\x05\x00"


def tagged(tag: int, contents: bytes) -> bytes:
    """One element: its tag byte, its length in the shortest form, its contents."""
    size = len(contents)
    if size < 128:
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + contents


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of elements that are encoded already."""
    return tagged(0x30, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """SET OF, in the order that DER asks for."""
    return tagged(0x31, b"".join(sorted(parts)))


def explicit(number: int, part: bytes) -> bytes:
    """The element under a context tag of its own."""
    return tagged(0xA0 | number, part)


def integer(value: int) -> bytes:
    """INTEGER, in the fewest bytes that keep its sign."""
    return tagged(0x02, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, signed=True))


def octets(value: bytes) -> bytes:
    """OCTET STRING."""
    return tagged(0x04, value)


def utf8(value: str) -> bytes:
    """UTF8String."""
    return tagged(0x0C, value.encode())


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER, from its numbers with dots between."""
    first, second, *rest = map(int, dotted.split("."))
    return tagged(0x06, b"".join(map(_base128, (first * 40 + second, *rest))))


def bits(positions: Iterable[int]) -> bytes:
    """BIT STRING of named bits: those at `positions`, counted from the left, without trailing zeros."""
    last = max(positions, default=-1)
    unused = -(last + 1) % 8
    value = sum(1 << (last - position + unused) for position in positions)
    return tagged(0x03, bytes((unused,)) + value.to_bytes((last + 8) // 8))


def utc_time(moment: datetime) -> bytes:
    """UTCTime in whole seconds; until 2049, as RFC 5652 uses it."""
    return tagged(0x17, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime to the microsecond; DER (X.690 section 11.7) has no zeros behind a fraction."""
    at = moment.astimezone(UTC)
    fraction = f".{at.microsecond:06}".rstrip("0").rstrip(".")
    return tagged(0x18, f"{at:%Y%m%d%H%M%S}{fraction}Z".encode())


def _base128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))
