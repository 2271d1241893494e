"""JSON as PostgreSQL hands it out, read several times faster than the standard library does, and to the same values."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_LONG_NUMBER = re.compile(rb"\d{19}")  # orjson rounds what is beyond 64 bits; a run of digits in a text is no harm


def read_stored_json(data: bytes | str) -> Any:
    """The value of a json or jsonb column, which the database has checked."""
    stored = data.encode() if isinstance(data, str) else data
    return json.loads(stored) if _LONG_NUMBER.search(stored) else orjson.loads(stored)
