"""Length: how many characters, words or bytes an output may have."""

from collections.abc import Callable, Iterable
from typing import Any

from runcible.content import Output
from runcible.governance.validators.contract import Check, Hit, Material, ParameterInvalid, Validator

_COUNTS: dict[str, Callable[[Output], int]] = {
    "characters": lambda output: len(output.text),
    "words": lambda output: len(output.text.split()),
    "bytes": lambda output: len(output.bytes),
}


def _prepare(parameters: dict[str, Any]) -> Check:
    unit, least, most = parameters.get("unit", "characters"), parameters.get("minimum", 0), parameters.get("maximum")
    if most is not None and most < least:
        raise ParameterInvalid(".maximum", "must not be smaller than the minimum")
    count = _COUNTS[unit]

    def check(material: Material) -> Iterable[Hit]:
        size, end = count(material.output), len(material.output.text)
        if size < least:
            yield Hit(end, end, f"has {size} {unit}, and needs at least {least}")
        if most is not None and size > most:
            start = min(most, end) if unit == "characters" else end
            yield Hit(start, end, f"has {size} {unit}, and may have at most {most}")

    return check


VALIDATOR = Validator(
    name="length",
    version=1,
    parameters={
        "type": "object",
        "properties": {
            "unit": {"enum": sorted(_COUNTS)},
            "minimum": {"type": "integer", "minimum": 0, "maximum": 1_048_576},
            "maximum": {"type": "integer", "minimum": 1, "maximum": 1_048_576},
        },
        "additionalProperties": False,
        "minProperties": 1,
    },
    prepare=_prepare,
)
