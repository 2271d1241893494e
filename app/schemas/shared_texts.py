"""Texts that people write together, as they are saved."""

from __future__ import annotations

from app.core.parsing import Schema
from app.schemas.fields import Id, Lines, Unsent, Version


class SharedTextSave(Schema):
    """The words to save as a version, over the one that the person started from.

    `shared_text_id` names the text in which they were written together; without it somebody wrote alone.
    """

    description: Lines = Unsent
    version: Version | None = None
    shared_text_id: Id | None = None
