"""The one way from values to bytes: RFC 8785, the JSON Canonicalization Scheme.

`orjson` with sorted keys writes the same bytes far faster than a program in Python, except for floats (ECMAScript
spells them differently) and for keys outside ASCII (RFC 8785 sorts by UTF-16 code units). Those go to `rfc8785`. A
property test holds the two equal.
"""

import hashlib
from typing import Any

import orjson
import rfc8785

from runcible.errors import NotCanonical

_PLAIN = frozenset((str, int, bool, type(None)))
_FAST = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical_json(value: Any) -> bytes:
    """Write the RFC 8785 form of `value`: dicts, lists, strings, booleans, None, integers within +-(2^53 - 1), floats.

    Raises NotCanonical for anything else, such as NaN, a Decimal, a larger integer, or half of a surrogate pair.
    """
    try:
        return orjson.dumps(value, option=_FAST) if _is_plain(value) else rfc8785.dumps(value)
    except (TypeError, ValueError, RecursionError) as refused:
        raise NotCanonical(f"This value has no canonical JSON form: {refused}") from refused


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` in lower-case hexadecimal, as `sha256sum` prints it."""
    return hashlib.sha256(data).hexdigest()


def _is_plain(value: Any) -> bool:
    """Whether the fast writer gives the canonical bytes. Exact types only: it would also write dates and enums."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is dict:  # in loops of its own: most of what is signed and exported passes here, and most of it is text
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or not (type(item) in _PLAIN or _is_plain(item)):
                return False
        return True
    return kind is list and all(map(_is_plain, value))
