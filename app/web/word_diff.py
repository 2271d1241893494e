"""Two versions of a text, word by word: what stayed, what went, what came."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Piece = tuple[Literal["same", "gone", "new"], str]

MOST_WORDS = 3000  # beyond that, comparing costs more than it tells
LONG = 40  # characters; what is shorter is read faster as a whole

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def is_long(before: object, after: object) -> bool:
    """Whether both are texts that are better compared word by word."""
    both = (before, after)
    return all(isinstance(text, str) and text for text in both) and any(len(str(text)) > LONG for text in both)


def word_diff(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in reading order. The pieces that are not new make `before`; those not gone, `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return [("gone", before), ("new", after)]
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        if a < b:
            pieces.append(("gone", "".join(old[a:b])))
        if c < d:
            pieces.append(("new", "".join(new[c:d])))
    return pieces
