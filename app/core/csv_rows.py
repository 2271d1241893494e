"""CSV as RFC 4180 has it, safe to open in a spreadsheet: no cell of ours is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_rows(rows: Iterable[Iterable[Any]]) -> bytes:
    """The rows, ended by CRLF. Numbers stay numbers; a text that a spreadsheet would run begins with an apostrophe."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return "" if value is None else value
