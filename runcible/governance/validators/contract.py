"""What a validator is: prepared once from a policy's parameters, then run over each output."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from runcible.content import Context, Output
from runcible.governance.reading import Reading

MOST_HITS = 1_000
"""A check is not asked for more: the record of an output can't grow without bound."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a check may look at: the output, its folded reading, and how the output came to be."""

    output: Output
    reading: Reading
    context: Context


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found, from code point `start` to `end` of the hashed text. `start == end`: something is absent.

    The message is signed, so it never quotes the content.
    """

    start: int
    end: int
    message: str


Check = Callable[[Material], Iterable[Hit]]
"""No hit is a pass. Raises Undecidable when it can't tell."""


class Undecidable(Exception):
    """A check can't tell. Nothing is passed because a check didn't run."""

    def __init__(self, reason: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason, self.missing = reason, missing


class ParameterInvalid(Exception):
    """A parameter of a policy can't be used. `path` is relative to the parameters, such as `.patterns[3]`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


@dataclass(frozen=True, slots=True)
class Validator:
    """A registered validator. `version` rises whenever it may judge an output differently than before."""

    name: str
    version: int
    parameters: dict[str, Any]  # JSON Schema of the parameters that a policy may give
    prepare: Callable[[dict[str, Any]], Check]  # raises ParameterInvalid
