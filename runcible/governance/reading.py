"""A text as a reader reads it, with the way back to where each character stands in the hashed text.

Full-width letters, typographic quotes and dashes, other scripts' digits, soft hyphens and invisible characters all
let a phrase slip past a search while a person reads it without noticing. So searches run over a folded text: one
spelling for each of these. The certified text itself is never altered.
"""

import re
import unicodedata
from array import array
from dataclasses import dataclass

from runcible.content import Output

_JSON_ESCAPE = r'\\(?:["\\/bfnrt]|u[0-9a-f]{4})'
_SPELLINGS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u0060\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
    "\u2212": "-",
}
_MARKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing. Other invisible characters have the category Cf."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The folded `text` of an output. `starts` and `ends` are None where it is the hashed text unchanged."""

    text: str
    starts: "array[int] | None" = None  # of each folded character: where its origin begins in the hashed text
    ends: "array[int] | None" = None  # and where it ends

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the folded characters `start` to `end` stand in the hashed text, in code points."""
        if self.starts is None or self.ends is None or start == end:
            return start, end
        return self.starts[start], self.ends[end - 1]


def read(output: Output) -> Reading:
    """Fold the text of `output`; in JSON also the escapes, so that a line break in a string is a space."""
    text = output.text
    escaped = output.is_json and "\\" in text
    if text.isascii() and not escaped and "`" not in text:
        return Reading(text)
    folds = {character: folded for character in set(text) if (folded := _fold(character)) != character}
    patterns = [_JSON_ESCAPE] if escaped else []
    if folds:
        patterns.append("[" + "".join(map(re.escape, folds)) + "]")
    return _folded(text, "|".join(patterns), folds) if patterns else Reading(text)


def _folded(text: str, pattern: str, folds: dict[str, str]) -> Reading:
    pieces: list[str] = []
    starts, ends = array("l"), array("l")
    position = 0
    for match in re.finditer(pattern, text):
        start, end = match.span()
        pieces.append(text[position:start])
        starts.extend(range(position, start))
        ends.extend(range(position + 1, start + 1))
        found = match.group()
        folded = folds[found] if found in folds else _unescape(found)
        pieces.append(folded)
        starts.extend([start] * len(folded))
        ends.extend([end] * len(folded))
        position = end
    pieces.append(text[position:])
    starts.extend(range(position, len(text)))
    ends.extend(range(position + 1, len(text) + 1))
    return Reading("".join(pieces), starts, ends)


def _unescape(escape: str) -> str:
    return escape[1] if escape[1] in '"\\/' else " "


def _fold(character: str) -> str:
    if character.isascii() or character in _SPELLINGS:
        return _SPELLINGS.get(character, character)
    category = unicodedata.category(character)
    if category == "Cf" or _MARKS.match(character):
        return ""
    if category == "Pd":
        return "-"
    if category == "Nd":
        return str(unicodedata.digit(character))
    return " " if character.isspace() else unicodedata.normalize("NFKC", character)
