"""Required disclaimers: each must stand in the output in one of the wordings that a policy accepts."""

from collections.abc import Iterable, Sequence
from typing import Any

from runcible.governance.patterns import LONGEST_PATTERN, PatternInvalid, Words, check_pattern
from runcible.governance.validators.contract import Check, Hit, Material, ParameterInvalid, Validator


def _prepare(parameters: dict[str, Any]) -> Check:
    required = [
        (one["name"], _wordings(f".disclaimers[{place}]", one["any_of"], one.get("patterns", ())))
        for place, one in enumerate(parameters["disclaimers"])
    ]

    def check(material: Material) -> Iterable[Hit]:
        end = len(material.output.text)
        for name, wordings in required:
            if not wordings.stand_in(material.reading.text):
                yield Hit(end, end, f"does not say: {name}")

    return check


def _wordings(path: str, phrases: Sequence[str], patterns: Sequence[str]) -> Words:
    for index, source in enumerate(patterns):
        try:
            check_pattern(source)
        except PatternInvalid as refused:
            raise ParameterInvalid(f"{path}.patterns[{index}]", str(refused)) from None
    try:
        return Words(phrases, patterns)
    except PatternInvalid as refused:
        raise ParameterInvalid(f"{path}.any_of", str(refused)) from None


VALIDATOR = Validator(
    name="required_disclaimer",
    version=1,
    parameters={
        "type": "object",
        "properties": {
            "disclaimers": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "minLength": 1, "maxLength": 200},
                        "any_of": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 50,
                            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN},
                        },
                        "patterns": {
                            "type": "array",
                            "maxItems": 50,
                            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN},
                        },
                    },
                    "required": ["name", "any_of"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["disclaimers"],
        "additionalProperties": False,
    },
    prepare=_prepare,
)
