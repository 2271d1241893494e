"""`parse`: input from a form or from JSON through one schema, every error at once, one sentence a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.core.errors import Invalid
from app.core.phrases import phrase

S = TypeVar("S", bound="Schema")


class Schema(BaseModel):
    """What may come in: named fields and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


_SENTENCES = {
    "missing": phrase("This is required."),
    "extra_forbidden": phrase("This field is not known here."),
    "string_type": phrase("This must be text."),
    "uuid_type": phrase("This must be an id."),
    "uuid_parsing": phrase("This is not an id."),
    "bool_type": phrase("This must be true or false."),
    "bool_parsing": phrase("This must be true or false."),
    "list_type": phrase("This must be a list."),
    "dict_type": phrase("This must be an object."),
    "int_type": phrase("This must be a whole number."),
    "int_parsing": phrase("This must be a whole number."),
    "datetime_type": phrase("This must be a date and time with its zone, as 2026-11-22T14:05:00Z."),
    "datetime_parsing": phrase("This must be a date and time with its zone, as 2026-11-22T14:05:00Z."),
    "datetime_from_date_parsing": phrase("This must be a date and time with its zone, as 2026-11-22T14:05:00Z."),
    "string_pattern_mismatch": phrase("This does not have the right form."),
    "timezone_aware": phrase("Say the time zone too, as 2026-11-22T14:05:00Z."),
    "date_from_datetime_parsing": phrase("This must be a date, as 2026-11-22."),
    "date_parsing": phrase("This must be a date, as 2026-11-22."),
}


def parse(schema: type[S], data: Mapping[str, Any], *, typed: bool = True) -> S:
    """The input as `schema` has it.

    `typed` says that values came with their types, as from JSON: then "1" is no number. A form sends text only, and an
    empty field means nothing was given. Raises Invalid, naming every field that will not do.
    """
    given = dict(data) if typed else {name: value for name, value in data.items() if value not in ("", [])}
    try:
        return schema.model_validate(given, context={"typed": typed})
    except ValidationError as refused:
        raise Invalid(by_field(refused)) from None


def by_field(refused: ValidationError) -> dict[str, str]:
    """One sentence for each field that will not do. Values are not repeated: they may be secrets."""
    found: dict[str, str] = {}
    for error in refused.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in error["loc"]) or "_"
        found.setdefault(field, _sentence(error))
    return found


def _sentence(error: Any) -> str:
    kind, about = error["type"], error.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind in ("string_too_long", "too_long"):
        return _at_most(about)
    if kind in ("string_too_short", "too_short"):
        return phrase("This is required.") if about["min_length"] == 1 else _at_least(about)
    if kind == "greater_than_equal":
        return phrase("This must be %(least)s or more.", least=f"{about['ge']:,}")
    if kind == "less_than_equal":
        return phrase("This must be %(most)s or less.", most=f"{about['le']:,}")
    if kind == "literal_error":
        return phrase("This must be one of: %(value)s.", value=about["expected"])
    if kind == "value_error":
        return about["error"].args[0]  # type: ignore[no-any-return] # str() of it would forget how it was made
    return phrase("This is not valid.")


def _at_most(about: Any) -> str:
    most = f"{about['max_length']:,}"
    if _is_text(about):
        return phrase("This may have at most %(most)s characters.", most=most)
    return phrase("This may have at most %(most)s items.", most=most)


def _at_least(about: Any) -> str:
    if _is_text(about):
        return phrase("At least %(least)s characters.", least=about["min_length"])
    return phrase("At least %(least)s items.", least=about["min_length"])


def _is_text(about: Any) -> bool:
    """What a length counts. Text that was tidied before it is measured has no kind of its own in pydantic."""
    return bool(about.get("field_type", "Value") == "Value")
