"""Two versions of a text, word by word: what stayed, what went, what came."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Piece = tuple[Literal["same", "gone", "new"], str]

MOST_WORDS = 3000  # beyond that, comparing costs more than it tells
LEAST_STAYED = 0.25  # of the shorter text: where less is left of it, it is another text, and read as a whole
LONG = 40  # characters; what is shorter is read faster as a whole

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def is_long(before: object, after: object) -> bool:
    """Whether both are texts that are better compared word by word."""
    both = (before, after)
    return all(isinstance(text, str) and text for text in both) and any(len(str(text)) > LONG for text in both)


def word_diff(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in reading order. The pieces that are not new make `before`; those not gone, `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    begin = _alike(old, new)
    end = _alike(old[begin:][::-1], new[begin:][::-1])  # so that a change in a long text costs what it is long itself
    middle = _compared(old[begin : len(old) - end], new[begin : len(new) - end])
    pieces = _joined([("same", "".join(old[:begin])), *middle, ("same", "".join(old[len(old) - end :]))])
    stayed = sum(len("".join(text.split())) for how, text in pieces if how == "same")
    if stayed < LEAST_STAYED * min(len(before), len(after)):
        return _joined([("gone", before), ("new", after)])
    return pieces


def _alike(old: list[str], new: list[str]) -> int:
    """How many words both begin with."""
    return next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _compared(old: list[str], new: list[str]) -> list[Piece]:
    if max(len(old), len(new)) > MOST_WORDS:
        return [("gone", "".join(old)), ("new", "".join(new))]
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(old[a:b])))
        else:
            pieces += [("gone", "".join(old[a:b])), ("new", "".join(new[c:d]))]
    return pieces


def _joined(pieces: list[Piece]) -> list[Piece]:
    """The pieces that hold something, with neighbours of one kind as one."""
    found: list[Piece] = []
    for how, text in pieces:
        if found and found[-1][0] == how:
            found[-1] = (how, found[-1][1] + text)
        elif text:
            found.append((how, text))
    return found
