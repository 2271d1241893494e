"""Base64 with one spelling for each value, so that no bit of a document is without meaning."""

import binascii
from base64 import b64decode, b64encode
from typing import Any


def to_base64(data: bytes) -> str:
    """Write standard base64 with padding (RFC 4648 section 4)."""
    return b64encode(data).decode()


def from_base64(text: Any) -> bytes:
    """Read what `to_base64` wrote. Raises ValueError for every other spelling, also of the unused last bits."""
    if not isinstance(text, str):
        raise ValueError("not base64")
    try:
        data = b64decode(text, validate=True)
    except binascii.Error as refused:
        raise ValueError("not base64") from refused
    if to_base64(data) != text:
        raise ValueError("not the canonical form of base64")
    return data
