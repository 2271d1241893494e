"""Texts that people write together: their words, what was done to them, and who is at it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core import sealing
from app.core.actor import Actor
from app.core.audit import subject_of
from app.core.database import db
from app.core.errors import NotFound
from app.core.permissions import fetch
from app.core.shared_documents import Document
from app.models.application_instances import ApplicationInstanceUser
from app.models.programs import Program
from app.models.shared_texts import SharedText, SharedTextUpdate
from app.models.tasks import Task
from app.models.users import User

KINDS: dict[str, Any] = {"task": Task, "program": Program}  # what has a text that people may write together
CERTIFIED = frozenset({"certification", "llm_output_version"})  # is never changed: a new version is made instead

BASE, CONTENT = "shared_texts.sealed_base", "shared_text_updates.content"


def get_thing(actor: Actor, kind: str, row_id: UUID, permission: str = "view") -> Any:
    """The task or program that a text is of, at work: not in the trash itself. Raises NotFound and Forbidden."""
    row = fetch(actor, model_of(kind), row_id, f"{kind}.{permission}")
    expect_at_work(row)
    return row


def model_of(kind: str) -> Any:
    """What a kind of thing is. Raises NotFound for one that has no such text."""
    if kind not in KINDS:
        raise NotFound
    return KINDS[kind]


def expect_at_work(row: Any) -> None:
    """Go on only if the program of a task is not in the trash. Raises NotFound."""
    if row.kind == "task" and db.session.scalar(select(Program.deleted_at).where(Program.id == row.program_id)):
        raise NotFound


def find_shared_text(row: Any, *, lock: bool = False) -> SharedText | None:
    """The text of a task or program that is being written together, if it is. Ask for the thing itself first."""
    query = select(SharedText).where(SharedText.application_instance_id == row.application_instance_id)
    query = query.where(SharedText.of(row))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(query)


def updates_of(row: Any, text_id: UUID, after: int = 0) -> list[tuple[int, bytes]]:
    """What was done to a text after one update, in order: number and update. Ask for the thing itself first."""
    query = (
        select(SharedTextUpdate.number, SharedTextUpdate.content)
        .where(SharedTextUpdate.application_instance_id == row.application_instance_id)
        .where(SharedTextUpdate.shared_text_id == text_id, SharedTextUpdate.number > after)
        .order_by(SharedTextUpdate.number)
    )
    found = db.session.execute(query).all()
    if not found:
        return []
    key = sealing.key(row.application_instance_id, subject_of(row))
    return [(each.number, key.open_bytes(CONTENT, each.content)) for each in found]


def document_of(row: Any, text_id: UUID) -> Document:
    """The text with all that was done to it."""
    return Document(update for _number, update in updates_of(row, text_id))


def names_of(tenant_id: UUID, user_ids: Collection[int]) -> dict[int, str]:
    """What people who work in an organisation are called."""
    query = (
        select(User.user_id, User.name)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
        .where(ApplicationInstanceUser.application_instance_id == tenant_id, User.user_id.in_(user_ids))
    )
    return {row.user_id: row.name for row in db.session.execute(query)}
