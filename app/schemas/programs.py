"""Programs, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, Line, Lines, Unsent, Version


def _key(text: str) -> str:
    key = text.strip().upper()
    if not key.isascii() or not key.isalnum() or not key[:1].isalpha() or not 2 <= len(key) <= 10:
        raise ValueError(phrase("A key has 2 to 10 letters and digits and starts with a letter, as OPS."))
    return key


class NewProgram(Schema):
    """A program to be made. Its key is the beginning of its tasks' numbers, and stays."""

    key: Annotated[str, AfterValidator(_key), StringConstraints(max_length=40)]
    name: Line
    description: Lines = ""
    parent_id: Id | None = None


class ProgramChanges(Schema):
    """What may be changed of a program. `version` is the one that the person started from."""

    name: Line = Unsent
    description: Lines = Unsent
    parent_id: Id | None = None
    version: Version | None = None


class ProgramOut(Schema):
    """A program in JSON."""

    id: Id
    key: str
    name: str
    description: str
    parent_id: Id | None
    version: int
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None

    @classmethod
    def of(cls, program: Any) -> ProgramOut:
        """The program as a row or a model has it."""
        return cls.model_validate(program, from_attributes=True)
