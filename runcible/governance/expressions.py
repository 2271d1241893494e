"""CEL, the Common Expression Language: compiled and type-checked when a policy is loaded, bounded when it runs.

The library returns run-time errors as values, and a string is truthy: only a BOOL that is true or false counts here,
everything else is undecidable.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from runcible.governance.patterns import compile_pattern
from runcible.governance.validators.contract import Undecidable

LONGEST_SOURCE = 4_000
LONGEST_LOOPED_TEXT = 8_192
"""Loops are bounded by the library to 9,999 steps, but each may search the whole text: so that text is bounded too."""

_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_STATUS = re.compile(r"([A-Z][A-Z_]+):")
_WITHOUT = "string_without_string"
_VARIABLES = ("output", "input", "model", "findings")


class ExpressionInvalid(Exception):
    """An expression that can't be compiled, or that doesn't come to true or false."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression. Make it with `compile_expression`."""

    source: str
    compiled: Any
    needs_json: bool
    loops_over_text: bool

    def decide(self, facts: Mapping[str, Any]) -> bool:
        """Evaluate over `facts`. Raises Undecidable for anything that is not exactly true or false.

        Reasons name the kind of error, never the message of the library, which may quote the content.
        """
        if self.loops_over_text and len(facts["output"]["text"]) > LONGEST_LOOPED_TEXT:
            raise Undecidable(f"the expression loops over a text of more than {LONGEST_LOOPED_TEXT} characters")
        try:
            value = self.compiled.eval(data=self._visible(facts))
            decided, outcome = value.type() == cel.Type.BOOL, value.plain_value()
        except RuntimeError as refused:
            raise Undecidable(_reason(str(refused))) from None
        if decided and (outcome is True or outcome is False):
            return bool(outcome)
        raise Undecidable(_reason(str(outcome)))

    def _visible(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts, without a large JSON value that this expression doesn't ask for."""
        if self.needs_json or "json" not in facts["output"]:
            return dict(facts)
        return {**facts, "output": {name: value for name, value in facts["output"].items() if name != "json"}}


def compile_expression(source: str) -> Expression:
    """Compile and type-check. Raises ExpressionInvalid with the library's own words and the place of the fault."""
    if len(source) > LONGEST_SOURCE:
        raise ExpressionInvalid(f"must have at most {LONGEST_SOURCE} characters")
    try:
        compiled = _environment().compile(source)
    except (RuntimeError, TypeError) as refused:  # TypeError: half of a surrogate pair
        raise ExpressionInvalid(f"is not an expression that can be used: {_first_line(str(refused))}") from None
    if compiled.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise ExpressionInvalid(f"must come to true or false, and comes to {compiled.return_type().name()}")
    loops_over_text = _LOOP.search(source) is not None and "text" in source
    return Expression(source, compiled, "json" in source, loops_over_text)


@cache
def _environment() -> Any:
    text = cel.Type.STRING
    without = cel.FunctionDecl("without", [cel.Overload(_WITHOUT, text, [text, text], is_member=True)])
    return cel.NewEnv(
        variables=dict.fromkeys(_VARIABLES, cel.Type.Map(text, cel.Type.DYN)),
        functions=[without],
        function_impls={_WITHOUT: _without},
    )


def _without(text: str, pattern: str) -> str:
    """The text with a blank in place of whatever the pattern matches: RE2 has no other way to say "but not after".

    What matches without taking a character stays as it is, so that the text never grows.
    """
    replaced: str = _compiled(pattern).sub(lambda match: " " if match.group() else "", text)
    return replaced


@lru_cache(maxsize=256)  # a pattern may be made of the text itself
def _compiled(pattern: str) -> Any:
    return compile_pattern(pattern)


def _first_line(message: str) -> str:
    return message.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ").split("\n", 1)[0][:300]


def _reason(message: str) -> str:
    if message.startswith("NOT_FOUND"):
        return "the expression asks for a value that is not there"
    if "teration budget" in message:
        return "the expression takes more steps than are allowed"
    status = _STATUS.match(message)
    return (
        f"the expression could not be evaluated ({status[1]})" if status else "the expression is neither true nor false"
    )
