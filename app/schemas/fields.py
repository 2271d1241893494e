"""Kinds of field: how long, which characters, how strictly typed."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, ValidationInfo

from app.core.phrases import phrase

INT4_MAX = 2**31 - 1
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all of Unicode's category Cc but a tab and a line break


def _one_line(text: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError(phrase("Control characters and line breaks cannot be used here."))
    return text


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(text):
        raise ValueError(phrase("Control characters cannot be used here."))
    return text.strip("\n")


def _whole(value: Any, info: ValidationInfo) -> Any:
    """JSON must send a number; a form sends digits. True is no number, nor is "1" in JSON."""
    if isinstance(value, bool) or (typed(info) and not isinstance(value, int)):
        raise ValueError(phrase("This must be a whole number."))
    if isinstance(value, str) and not (value.strip().isascii() and value.strip().isdecimal() and len(value) < 20):
        raise ValueError(phrase("This must be a whole number."))
    return value


def typed(info: ValidationInfo) -> bool:
    """Whether the input came with its types, as from JSON."""
    return bool((info.context or {}).get("typed", True))


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Networks as they are compared: 203.0.113.7 is 203.0.113.7/32."""
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_network(network.strip())) for network in networks))
    except ValueError:
        raise ValueError(phrase("Write networks as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32.")) from None


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Line = Annotated[str, AfterValidator(_one_line), StringConstraints(min_length=1, max_length=200)]
ShortLine = Annotated[str, AfterValidator(_one_line), StringConstraints(min_length=1, max_length=100)]
Address = Annotated[str, AfterValidator(_one_line), StringConstraints(min_length=1, max_length=254)]
Lines = Annotated[str, AfterValidator(_lines), StringConstraints(max_length=20_000)]
Networks = Annotated[tuple[str, ...], AfterValidator(_networks), Field(max_length=50)]
Whole = Annotated[int, BeforeValidator(_whole)]
Minutes = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=1_000_000)]
PersonId = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=2**53 - 1)]
Version = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=INT4_MAX)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str)]
Instant = Annotated[datetime, PlainSerializer(_instant, return_type=str)]
Id = UUID
Unsent: Any = Field(default=None)  # may be left out, but not be null
