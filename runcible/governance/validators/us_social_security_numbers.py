"""US social security numbers, by the rules of the Social Security Administration.

Area 000, 666 and 900 to 999, group 00 and serial 0000 were never issued. With hyphens the form is enough; with
spaces or as nine bare digits, words that name such a number must stand within fifty characters.
"""

from collections.abc import Iterable
from typing import Any

from runcible.governance.patterns import Spans, Words, compile_pattern
from runcible.governance.validators.contract import Check, Hit, Material, Validator

_NUMBER = compile_pattern(r"[0-9]{3}(?:-[0-9]{2}-| [0-9]{2} |[0-9]{2})[0-9]{4}")
_NAMES = Words(
    phrases=["social security", "soc sec", "ssn", "ssns", "ss#", "ss no", "tax id", "taxpayer id", "tin"],
    patterns=[r"s\.s\.n\.?", r"social security (?:no|number|num|#)"],
)
_NEAR = 50  # characters, in either direction


def _prepare(parameters: dict[str, Any]) -> Check:
    def check(material: Material) -> Iterable[Hit]:
        reading = material.reading
        named: Spans | None = None
        for match in _NUMBER.finditer(reading.text):
            start, end = match.span()
            if not _was_ever_issued(match.group()) or _is_part_of_more(reading.text, start, end):
                continue
            if match.group()[3] != "-":
                named = named or Spans(_NAMES.find(reading.text))
                if not named.reach(end + _NEAR, start - _NEAR):
                    continue
            yield Hit(*reading.span(start, end), "holds a US social security number")

    return check


def _was_ever_issued(written: str) -> bool:
    digits = written.replace("-", "").replace(" ", "")
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"


def _is_part_of_more(text: str, start: int, end: int) -> bool:
    """Whether the digits belong to a longer number or word, such as an order number or a telephone number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum():
        return True
    longer_before = before[-1:] in {"-", ".", "/", "+"} and before[:1].isdigit() and len(before) == 2
    longer_after = after[:1] in {"-", ".", "/"} and after[1:].isdigit()
    return longer_before or longer_after or before[-1:] == "+"


VALIDATOR = Validator(
    name="us_social_security_numbers",
    version=1,
    parameters={"type": "object", "properties": {}, "additionalProperties": False},
    prepare=_prepare,
)
