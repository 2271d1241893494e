"""Banned claims: words that an output must not say, except in the contexts that a policy allows.

"Returns are not guaranteed" is what a careful author should write, so a policy that bans "guaranteed" lists
"not guaranteed" under `allowed`, or covers many such wordings with one of `allowed_patterns`.
"""

from collections.abc import Iterable
from typing import Any

from runcible.governance.patterns import (
    LONGEST_PATTERN,
    MOST_PATTERNS,
    PatternInvalid,
    Spans,
    Words,
    check_pattern,
    check_phrase,
)
from runcible.governance.validators.contract import Check, Hit, Material, ParameterInvalid, Validator


def _prepare(parameters: dict[str, Any]) -> Check:
    banned = _words(parameters, "phrases", "patterns")
    allowed = _words(parameters, "allowed", "allowed_patterns")
    message = parameters.get("finding", "makes a claim that this policy does not allow")

    def check(material: Material) -> Iterable[Hit]:
        reading = material.reading
        found = banned.find(reading.text)
        harmless = Spans(allowed.find(reading.text) if found else ())
        for start, end in found:
            if not harmless.reach(start, end):
                yield Hit(*reading.span(start, end), message)

    return check


def _words(parameters: dict[str, Any], phrases: str, patterns: str) -> Words:
    for name, check_one in ((phrases, check_phrase), (patterns, check_pattern)):
        for index, source in enumerate(parameters.get(name, ())):
            try:
                check_one(source)
            except PatternInvalid as refused:
                raise ParameterInvalid(f".{name}[{index}]", str(refused)) from None
    try:
        return Words(parameters.get(phrases, ()), parameters.get(patterns, ()))
    except PatternInvalid as refused:
        raise ParameterInvalid(f".{patterns}", str(refused)) from None


_SOURCES = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN},
    "maxItems": MOST_PATTERNS,
    "uniqueItems": True,
}

VALIDATOR = Validator(
    name="banned_claims",
    version=1,
    parameters={
        "type": "object",
        "properties": {
            "phrases": _SOURCES,
            "patterns": _SOURCES,
            "allowed": _SOURCES,
            "allowed_patterns": _SOURCES,
            "finding": {"type": "string", "minLength": 1, "maxLength": 200},
        },
        "additionalProperties": False,
        "anyOf": [{"required": ["phrases"]}, {"required": ["patterns"]}],
    },
    prepare=_prepare,
)
