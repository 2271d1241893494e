"""Words and patterns to look for, through RE2 only: its time is linear in the text whatever the pattern.

A *phrase* is plain words: it is found in any case, as whole words, with any white space or hyphens between them. A
*pattern* is RE2 syntax, also in any case and as whole words.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import re2

LONGEST_PATTERN = 500
MOST_PATTERNS = 500

_BETWEEN_WORDS = r"[\s\-_/]+"
_MEMORY = 4 << 20  # bytes that one compiled pattern may take
_MEMORY_TOGETHER = 16 << 20  # beyond it RE2 is slower, and still right


class PatternInvalid(Exception):
    """A pattern that can't be used; the message says why."""


class Words:
    """A set of phrases and patterns, compiled into one automaton and found in one pass.

    Raises PatternInvalid when they can't be compiled together; check each with `check_phrase` and `check_pattern`.
    """

    def __init__(self, phrases: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        sources = [*map(_of_phrase, phrases), *(f"(?:{pattern})" for pattern in patterns)]
        self._pattern = compile_pattern(_as_whole_words("|".join(sources)), longest=True) if sources else None

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) in code points of each place where one of them stands, the longest at each place."""
        if self._pattern is None:
            return []
        encoded = text.encode()
        return _in_code_points(encoded, list(_places(self._pattern, encoded)))

    def stand_in(self, text: str) -> bool:
        """Whether any of them stands anywhere in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None


class Spans:
    """Places of a text, for asking quickly whether one of them reaches over another place."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._furthest = list(itertools.accumulate((end for _, end in ordered), max))

    def reach(self, start: int, end: int) -> bool:
        """Whether one of them begins at `start` or before and ends at `end` or after."""
        before = bisect_right(self._starts, start)
        return before > 0 and self._furthest[before - 1] >= end


def check_phrase(phrase: str) -> None:
    """Raise PatternInvalid unless `phrase` holds words."""
    _of_phrase(phrase)


def check_pattern(source: str) -> None:
    """Raise PatternInvalid unless RE2 accepts `source`, it is short enough, and it needs at least one character."""
    if len(source) > LONGEST_PATTERN:
        raise PatternInvalid(f"must have at most {LONGEST_PATTERN} characters")
    if compile_pattern(source).search("") is not None:
        raise PatternInvalid("must not match the empty text: it would be found everywhere")
    compile_pattern(_as_whole_words(f"(?:{source})"))


def compile_pattern(source: str, *, longest: bool = False) -> Any:
    """Compile one RE2 pattern with bounded memory. Raises PatternInvalid with RE2's own words.

    With `longest`, the longest alternative at a place is found, not the first.
    """
    options = re2.Options()
    options.log_errors = False
    options.longest_match = longest
    options.max_mem = _MEMORY_TOGETHER if longest else _MEMORY
    try:
        return re2.compile(source, options)
    except (re2.error, UnicodeEncodeError) as refused:
        raise PatternInvalid(f"is not a pattern that RE2 accepts: {_words_of(refused)}") from None


def _words_of(refused: Exception) -> str:
    first = refused.args[0] if refused.args else ""
    return first.decode(errors="replace") if isinstance(first, bytes) else str(first)


def _as_whole_words(source: str) -> str:
    return rf"(?i)(?:^|[^\pL\pN_])({source})(?:$|[^\pL\pN_])"


def _of_phrase(phrase: str) -> str:
    words = phrase.replace("-", " ").split()
    if not words:
        raise PatternInvalid("must hold at least one word")
    return _BETWEEN_WORDS.join(re2.escape(word) for word in words)


def _places(pattern: Any, encoded: bytes) -> Iterator[tuple[int, int]]:
    """Each match of group 1, in bytes. The character after one match may be the one before the next."""
    position = 0
    while (match := pattern.search(encoded, position)) is not None:
        start, end = match.span(1)
        yield start, end
        position = end


def _in_code_points(encoded: bytes, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if encoded.isascii() or not places:
        return places
    points: dict[int, int] = {0: 0}
    before = 0
    for offset in itertools.chain.from_iterable(places):
        points[offset] = points[before] + len(encoded[before:offset].decode())
        before = offset
    return [(points[start], points[end]) for start, end in places]
