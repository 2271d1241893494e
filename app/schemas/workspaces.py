"""Workspaces, as they come in and go out."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, ShortLine, Unsent, Version, Whole

MOST_PANELS = 6
LONGEST_PATH = 500

# A path within an organisation, with its query: as a browser writes it, and below the organisation.
_PATH = re.compile(r"[A-Za-z0-9_.~%@:,=+-]+(/[A-Za-z0-9_.~%@:,=+-]+)*(\?[A-Za-z0-9_.~%@:,=+&/?!$'()*;-]*)?")


def is_path(text: str) -> bool:
    """Whether a panel can show what is at `text`: a page of the organisation, whether it is there or not."""
    path = text.partition("?")[0]
    return len(text) <= LONGEST_PATH and _PATH.fullmatch(text) is not None and ".." not in path.split("/")


def _paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(is_path, paths)):
        raise ValueError(
            phrase(
                "A panel is a page of this organisation, as tasks?state=open, of at most %(most)s signs.",
                most=LONGEST_PATH,
            )
        )
    return tuple(dict.fromkeys(paths))


Panels = Annotated[tuple[str, ...], AfterValidator(_paths), Field(min_length=1, max_length=MOST_PANELS)]
Widths = Annotated[tuple[Annotated[Whole, Field(ge=1, le=99)], ...], Field(max_length=MOST_PANELS)]
Visibility = Literal["private", "shared"]


class _Layout(Schema):
    @model_validator(mode="after")
    def _fits(self) -> Any:
        panels, widths = getattr(self, "panels", None), getattr(self, "widths", None)
        if widths and len(widths) != len(panels or ()):
            raise ValueError(phrase("Say the width of each panel, or none."))
        return self


class NewWorkspace(_Layout):
    """A workspace to be saved: the pages in it from left to right, and how wide they are in per cent."""

    name: ShortLine
    panels: Panels
    widths: Widths = ()
    visibility: Visibility = "private"


class WorkspaceChanges(_Layout):
    """What may be changed of a workspace. `version` is the one that the person started from; widths go with panels."""

    name: ShortLine = Unsent
    panels: Panels = Unsent
    widths: Widths = Unsent
    visibility: Visibility = Unsent
    version: Version | None = None


class WorkspaceOut(Schema):
    """A workspace in JSON."""

    id: Id
    user_id: int
    name: str
    panels: list[str]
    widths: list[int]
    visibility: str
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, workspace: Any) -> WorkspaceOut:
        """The workspace as a row or a model has it."""
        return cls.model_validate(workspace, from_attributes=True)
