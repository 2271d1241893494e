"""Workflows: the states that work moves through, and the ways from one to another."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.phrases import by_itself, phrase

_MECHANISM = {"info": {"unrecorded": "it belongs to a task, whose move is recorded"}}


class Workflow(TenantOwned, Model):
    """One version of a workflow. A running instance keeps the version that it started with."""

    __tablename__ = "workflows"
    kind = "workflow"
    audited = ("key", "name", "version")

    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class WorkflowState(TenantOwned, Model):
    """A state of a workflow, in a group that every list and report understands."""

    __tablename__ = "workflow_states"
    kind = "workflow_state"

    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id"))
    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(100))
    state_group: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]
    is_initial: Mapped[bool] = mapped_column(default=False)


class WorkflowTransition(TenantOwned, Model):
    """A way from one state to another."""

    __tablename__ = "workflow_transitions"
    kind = "workflow_transition"

    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id"))
    from_state_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_states.id"))
    to_state_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_states.id"))


class WorkflowInstance(TenantOwned, Model):
    """Where one piece of work stands in its workflow."""

    __tablename__ = "workflow_instances"
    __table_args__ = _MECHANISM
    kind = "workflow_instance"

    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id"))
    state_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_states.id"))
    entered_state_at: Mapped[datetime] = mapped_column(default=clock.now)


# The workflow that every organisation starts with: key, name, group; then the ways between them.
BUILT_IN_KEY = "task"
BUILT_IN_NAME = "Task"
BUILT_IN_STATES = (
    ("todo", phrase("To do"), "unstarted"),
    ("doing", phrase("Doing"), "started"),
    ("review", phrase("In review"), "started"),
    ("done", phrase("Done"), "done"),
    ("cancelled", phrase("Cancelled"), "cancelled"),
)
BUILT_IN_TRANSITIONS = (
    ("todo", "doing"),
    ("todo", "cancelled"),
    ("doing", "todo"),
    ("doing", "review"),
    ("doing", "cancelled"),
    ("review", "doing"),
    ("review", "done"),
    ("review", "cancelled"),
    ("done", "doing"),
    ("cancelled", "todo"),
)
_BUILT_IN_NAMES = frozenset(name for _key, name, _group in BUILT_IN_STATES)


def state_in_words(name: str) -> str:
    """The name of a state within a sentence: said in the language of the reader, unless somebody here has typed it."""
    return by_itself(name) if name in _BUILT_IN_NAMES else name
