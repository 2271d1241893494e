"""Hidden text: characters that change what a machine reads and a person doesn't see, or the other way about.

Zero-width characters, text direction controls (the "Trojan source" attack), tag characters and variation selectors
(used to smuggle instructions to a model), control characters, and words that mix Latin with Cyrillic look-alikes.
Joiners inside emoji and in the scripts that need them, and flags made of tag characters, are ordinary writing.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from runcible.governance.patterns import compile_pattern
from runcible.governance.validators.contract import MOST_HITS, Check, Hit, Material, Validator

# Every character that any kind below may be about; most texts hold none, and then nothing else runs.
_SUSPECT = compile_pattern(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}]+"
    r"|[\x{ad}\x{34f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{2060}-\x{2064}\x{3164}\x{feff}\x{ffa0}"
    r"\x{200b}-\x{200d}]+"
    r"|[\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{206f}\x{fff9}-\x{fffb}]+"
    r"|[\x{e0000}-\x{e007f}]+"
    r"|[\x{fe00}-\x{fe0e}\x{e0100}-\x{e01ef}]+|\x{fe0f}{2,}"
)
_MIXED = compile_pattern(r"\pL*(?:\p{Latin}\p{Cyrillic}|\p{Cyrillic}\p{Latin})\pL*")
_JOINED_SCRIPT = compile_pattern(
    r"^[\p{Arabic}\p{Syriac}\p{Nko}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}"
    r"\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}\p{Myanmar}\p{Tibetan}]$"
)
_RIGHT_TO_LEFT = compile_pattern(r"[\p{Arabic}\p{Hebrew}\p{Syriac}\p{Thaana}\p{Nko}]")
_EMOJI = compile_pattern(r"^[\x{203c}-\x{3299}\x{1f000}-\x{1faff}\x{fe0f}\x{200d}\x{2640}\x{2642}]$")
_BLACK_FLAG = "\U0001f3f4"
_CANCEL_TAG = "\U000e007f"
_JOINERS = frozenset("\u200c\u200d")
_MARKS_OF_DIRECTION = frozenset("\u061c\u200e\u200f")

_KINDS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("control", lambda c: ord(c) < 0xA0, "holds a control character"),
    ("tags", lambda c: 0xE0000 <= ord(c) <= 0xE007F, "holds invisible tag characters, which can carry hidden words"),
    (
        "variations",
        lambda c: 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF,
        "holds variation selectors that change no character",
    ),
    (
        "direction",
        lambda c: (
            c in _MARKS_OF_DIRECTION or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x206F or ord(c) > 0xFFF8
        ),
        "holds a control of text direction, which can show words in another order than they are stored",
    ),
    ("zero_width", lambda c: True, "holds characters that take no width, so that words differ from what is seen"),
)


def _prepare(parameters: dict[str, Any]) -> Check:
    kinds = set(parameters.get("kinds", _ALL_KINDS))

    def check(material: Material) -> Iterable[Hit]:
        text = material.output.text
        if text.isascii():  # only control characters can be there
            yield from _invisible(text, kinds & {"control"})
            return
        mixed = _mixed(text) if "mixed_scripts" in kinds else ()
        hits = [*islice(_invisible(text, kinds), MOST_HITS), *islice(mixed, MOST_HITS)]
        yield from sorted(hits, key=lambda hit: (hit.start, hit.end))

    return check


def _invisible(text: str, kinds: set[str]) -> Iterable[Hit]:
    for match in _SUSPECT.finditer(text):
        start, end = match.span()
        name, message = _kind_of(text[start])
        if name in kinds and not _is_ordinary(text, start, end, name):
            yield Hit(start, end, message)


def _kind_of(character: str) -> tuple[str, str]:
    return next((name, message) for name, belongs, message in _KINDS if belongs(character))


def _is_ordinary(text: str, start: int, end: int, kind: str) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if kind == "tags":
        return before == _BLACK_FLAG and text[end - 1] == _CANCEL_TAG and 3 <= end - start <= 8
    if kind == "variations":
        return end - start == 1 and 0xFE00 <= ord(text[start]) <= 0xFE0F and bool(before) and not before.isascii()
    if kind == "zero_width" and set(text[start:end]) <= _JOINERS and end - start == 1:
        return _joins(before, after, text[start])
    if kind == "direction" and set(text[start:end]) <= _MARKS_OF_DIRECTION:
        return _RIGHT_TO_LEFT.search(text[max(0, start - 20) : end + 20]) is not None
    return kind == "zero_width" and start == 0 and end == 1 and text[0] == "\ufeff" and len(text) > 1


def _joins(before: str, after: str, joiner: str) -> bool:
    if joiner == "\u200d" and _EMOJI.search(before) is not None and _EMOJI.search(after) is not None:
        return True
    return _JOINED_SCRIPT.search(before) is not None


def _mixed(text: str) -> Iterable[Hit]:
    for match in _MIXED.finditer(text):
        start, end = match.span()
        yield Hit(start, end, "holds a word that mixes Latin with Cyrillic letters of the same look")


_ALL_KINDS = ("control", "direction", "mixed_scripts", "tags", "variations", "zero_width")

VALIDATOR = Validator(
    name="hidden_text",
    version=1,
    parameters={
        "type": "object",
        "properties": {
            "kinds": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(_ALL_KINDS)}}
        },
        "additionalProperties": False,
    },
    prepare=_prepare,
)
