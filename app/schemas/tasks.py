"""Tasks, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from app.core.parsing import Schema
from app.schemas.fields import Id, Instant, Line, Lines, Minutes, PersonId, ShortLine, Unsent, Version


class NewTask(Schema):
    """A task to be made in a program."""

    program_id: Id
    name: Line
    description: Lines = ""
    estimate_minutes: Minutes | None = None


class TaskChanges(Schema):
    """What may be changed of a task. Fields that are not sent stay; `version` is the one the person started from."""

    name: Line = Unsent
    description: Lines = Unsent
    estimate_minutes: Minutes | None = None
    version: Version | None = None


class Move(Schema):
    """Where a task should go: to a state, by its key, or to a place in the order of its program, or both.

    `after` is the task that it should come behind; null is the top of its state. What is not sent stays as it is.
    """

    state: ShortLine = Unsent
    after: Id | None = None
    version: Version | None = None


class CardMove(Move):
    """The same from the menu of a card on a board, which knows no other card: a `step` within its column."""

    step: Literal["top", "up", "down", "bottom"] = Unsent


class Assignment(Schema):
    """Whom to assign."""

    user_id: PersonId


class AssignmentOut(Schema):
    """One person on a task, in JSON; not `active` where they work here no longer."""

    user_id: int
    name: str
    active: bool


class StateOut(Schema):
    """The state of a task, in JSON."""

    key: str
    name: str
    group: str


class TaskOut(Schema):
    """A task in JSON."""

    id: Id
    number: str
    program_id: Id
    name: str
    description: str
    estimate_minutes: int | None
    state: StateOut
    assignments: list[AssignmentOut]
    version: int
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None

    @classmethod
    def of(cls, task: Any) -> TaskOut:
        """The task as `queries.tasks` gives it."""
        return cls.model_validate(task, from_attributes=True)


class NewComment(Schema):
    """What somebody says about a task."""

    body: Annotated[Lines, StringConstraints(min_length=1)]


class CommentOut(Schema):
    """A comment in JSON."""

    id: Id
    task_id: Id
    author_user_id: int | None
    body: str
    created_at: Instant

    @classmethod
    def of(cls, comment: Any) -> CommentOut:
        """The comment as a row or a model has it."""
        return cls.model_validate(comment, from_attributes=True)
