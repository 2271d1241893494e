"""Characters that are not seen, or that turn a text around, as they are shown where it matters what a text holds.

Trojan Source, CVE-2021-42574: two texts that look the same need not be the same.
"""

from __future__ import annotations

_CODES = (
    *range(0x00, 0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010),
    *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF, *range(0xE0000, 0xE0080),
)  # fmt: skip
_HIDDEN = {code: f"⟦U+{code:04X}⟧" for code in _CODES}
_BLANKS = {ord(" "): "·", ord("\n"): "↵\n", ord("\t"): "⇥\t", 0xA0: "⟦U+00A0⟧"}


def visible(text: str) -> str:
    """The text with its hidden characters spelt out."""
    return text.translate(_HIDDEN)


def visible_blanks(text: str) -> str:
    """The same, where all that there is are spaces and line ends, which would be seen by nobody."""
    return visible(text).translate(_BLANKS) if text.isspace() else visible(text)
