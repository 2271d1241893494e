"""JSON shape: a small, bounded part of JSON Schema 2020-12.

Left out is what can take exponential time or a network: `$ref`, combinators, `uniqueItems`, `format`. Patterns go
through RE2. A finding names the place in the schema, never a key or value of the content.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend

from runcible.governance.patterns import PatternInvalid, compile_pattern
from runcible.governance.validators.contract import Check, Hit, Material, ParameterInvalid, Undecidable, Validator

_ALLOWED = {
    "type", "title", "description", "enum", "const", "properties", "required", "additionalProperties", "items",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "maxProperties", "pattern",
}  # fmt: skip
_MOST_KEYWORDS = 2_000


def _re2_pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and compile_pattern(pattern).search(instance) is None:
        yield ValidationError("does not match the pattern")


_Bounded = extend(Draft202012Validator, {"pattern": _re2_pattern})  # type: ignore[no-untyped-call]


def _prepare(parameters: dict[str, Any]) -> Check:
    schema = parameters["schema"]
    for count, (path, message) in enumerate(_faults(".schema", schema), start=1):
        if message or count > _MOST_KEYWORDS:
            raise ParameterInvalid(path, message or f"must have at most {_MOST_KEYWORDS} keywords")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as refused:
        raise ParameterInvalid(".schema", f"is not a JSON Schema: {refused.message}") from None
    validator = _Bounded(schema)

    def check(material: Material) -> Iterable[Hit]:
        if not material.output.is_json:
            raise Undecidable("the output is a text, not JSON", ("output.json",))
        for error in validator.iter_errors(material.output.value):
            place = "/".join(map(str, error.absolute_schema_path))
            yield Hit(0, len(material.output.text), f"does not have the required shape at #/{place} of the schema")

    return check


def _faults(path: str, schema: Any) -> Iterator[tuple[str, str]]:
    """One item for each keyword; its message is empty when the keyword may be used."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield path, "must be a JSON Schema"
        return
    for keyword, value in schema.items():
        here = f"{path}.{keyword}"
        if keyword not in _ALLOWED:
            yield here, "is not one of the keywords that may be used here"
            continue
        yield here, _pattern_fault(value) if keyword == "pattern" else ""
        if keyword in {"items", "additionalProperties"}:
            yield from _faults(here, value)
        elif keyword == "properties" and isinstance(value, dict):
            for name, inner in value.items():
                yield from _faults(f"{here}.{name}", inner)


def _pattern_fault(pattern: Any) -> str:
    try:
        compile_pattern(pattern if isinstance(pattern, str) else "(")
    except PatternInvalid as refused:
        return str(refused)
    return ""


VALIDATOR = Validator(
    name="json_schema",
    version=1,
    parameters={
        "type": "object",
        "properties": {"schema": {"type": "object"}},
        "required": ["schema"],
        "additionalProperties": False,
    },
    prepare=_prepare,
)
