"""Write a description together: begin, keep each word, and save it as a version.

Only here are words put into a text that has none. What was kept survives every process; it becomes a version, with one
event in the trail, when somebody saves it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, any_, case, delete, func, literal, select, update

from app.commands.programs import update_program
from app.commands.tasks import update_task
from app.core import clock, sealing
from app.core.actor import Actor
from app.core.audit import subject_of
from app.core.database import db
from app.core.errors import Conflict, NotFound
from app.core.outbox import enqueue
from app.core.permissions import fetch, require
from app.core.phrases import phrase
from app.core.shared_documents import NOTHING, begun_with
from app.core.transaction import command
from app.models.shared_texts import SharedText, SharedTextUpdate
from app.queries.shared_texts import BASE, CONTENT, KINDS, document_of, expect_at_work, find_shared_text, model_of
from app.schemas.programs import ProgramChanges
from app.schemas.shared_texts import SharedTextSave
from app.schemas.tasks import TaskChanges

COMPACTING = "shared_texts.compact"
COMPACT_EVERY = 200  # updates: more of them make it slow to begin
LARGEST = 1024 * 1024  # bytes of all updates of one text, which holds 20,000 letters when it is saved
WHY = "each save is recorded, not each word"


@command(unrecorded=WHY)
def open_shared_text(actor: Actor, kind: str, row_id: UUID) -> SharedText:
    """Begin to write the description of a task or program together, or go on where others are.

    Words that nobody has saved yet stay, also where somebody has saved others elsewhere: that is for who saves next.
    """
    row = fetch(actor, model_of(kind), row_id, f"{kind}.update", lock=True)
    expect_at_work(row)
    text = find_shared_text(row, lock=True)
    if text is not None and not _is_outdated(row, text):
        return text
    if text is not None:
        db.session.delete(text)
        db.session.flush()
    return _begin(actor, row)


@command(unrecorded=WHY)
def keep_update(actor: Actor, kind: str, row_id: UUID, text_id: UUID, content: bytes) -> int:
    """Keep what somebody has done to a text, and return its number.

    Raises Forbidden for who may only read, NotFound where the text is not written any more, Conflict where it is full.
    """
    row = fetch(actor, model_of(kind), row_id, f"{kind}.update")
    expect_at_work(row)
    taking = (
        update(SharedText)
        .where(SharedText.id == text_id, SharedText.application_instance_id == actor.tenant_id, SharedText.of(row))
        .values(
            last_update=SharedText.last_update + 1,
            size=SharedText.size + len(content),
            changed_at=clock.now(),
            editor_ids=case(
                (literal(actor.user_id, BigInteger) == any_(SharedText.editor_ids), SharedText.editor_ids),
                else_=func.array_append(SharedText.editor_ids, actor.user_id),
            ),
        )
        .returning(SharedText.last_update, SharedText.size)
        .execution_options(synchronize_session=False)
    )
    taken = db.session.execute(taking).first()  # holds the text: numbers are given in the order of their commits
    if taken is None:
        raise NotFound
    if taken.size > LARGEST:
        raise Conflict(phrase("This text has become too long to be written together. Save it, and begin anew."))
    _add(row, text_id, taken.last_update, content)
    if taken.last_update % COMPACT_EVERY == 0:
        enqueue(actor, COMPACTING, text_id)
    return int(taken.last_update)


@command
def save_shared_text(actor: Actor, kind: str, row_id: UUID, given: SharedTextSave) -> Any:
    """Save the words as a version of the task or program, and say in the trail who has taken part.

    Raises StaleVersion where somebody has saved other words elsewhere.
    """
    row = fetch(actor, model_of(kind), row_id, f"{kind}.update", lock=True)
    expect_at_work(row)
    text = find_shared_text(row, lock=True)
    if text is None or text.id != given.shared_text_id:
        return _update(actor, row, given.description, given.version, None)
    version = given.version
    if version == text.base_version and row.description == _base_of(row, text):
        version = row.version  # it was moved or renamed meanwhile; its words are the same
    editors = sorted({*text.editor_ids, *([] if actor.user_id is None else [actor.user_id])})
    saved = _update(actor, row, given.description, version, {"editor_ids": editors})
    _rest_on(saved, text)
    text.saved_by_user_id, text.saved_at = actor.user_id, clock.now()
    if document_of(row, text.id).words == saved.description:
        text.editor_ids = []
    return saved


@command(unrecorded=WHY)
def compact_shared_text(actor: Actor, text_id: UUID) -> None:
    """Put all updates of a text together as one. Doing it again changes nothing."""
    require(actor, "task.update")
    query = select(SharedText).where(SharedText.application_instance_id == actor.tenant_id, SharedText.id == text_id)
    text = db.session.scalar(query.with_for_update())
    if text is None:
        return
    kind = "task" if text.task_id is not None else "program"
    row = db.session.get_one(KINDS[kind], text.task_id or text.program_id)
    whole = document_of(row, text.id).updates_since()
    db.session.execute(
        delete(SharedTextUpdate).where(
            SharedTextUpdate.application_instance_id == actor.tenant_id, SharedTextUpdate.shared_text_id == text.id
        )
    )
    _add(row, text.id, text.last_update, whole)
    text.size = len(whole)


def _is_outdated(row: Any, text: SharedText) -> bool:
    """Whether a text has only words that were saved, and others were saved elsewhere since."""
    base = _base_of(row, text)
    if row.description == base and row.version == text.base_version:
        return False
    words = document_of(row, text.id).words
    if row.description in (base, words):
        _rest_on(row, text)
        return False
    return words == base


def _begin(actor: Actor, row: Any) -> SharedText:
    text = SharedText(application_instance_id=actor.tenant_id, **{f"{row.kind}_id": row.id})
    _rest_on(row, text)
    db.session.add(text)
    db.session.flush()
    first = begun_with(row.description)
    if first != NOTHING:
        text.last_update, text.size = 1, len(first)
        _add(row, text.id, 1, first)
    return text


def _rest_on(row: Any, text: SharedText) -> None:
    """Note that the words of a text are those of the newest version, or follow from them."""
    key = sealing.key(row.application_instance_id, subject_of(row))
    text.base_version, text.sealed_base = row.version, key.seal_bytes(BASE, row.description.encode())


def _base_of(row: Any, text: SharedText) -> str:
    key = sealing.key(row.application_instance_id, subject_of(row))
    return key.open_bytes(BASE, text.sealed_base).decode()


def _add(row: Any, text_id: UUID, number: int, content: bytes) -> None:
    key = sealing.key(row.application_instance_id, subject_of(row))
    db.session.add(
        SharedTextUpdate(
            application_instance_id=row.application_instance_id,
            shared_text_id=text_id,
            number=number,
            content=key.seal_bytes(CONTENT, content),
        )
    )


def _update(actor: Actor, row: Any, description: str, version: int | None, facts: dict[str, Any] | None) -> Any:
    """Change the description by the command that changes it everywhere."""
    if row.kind == "task":
        return update_task(actor, row.id, TaskChanges(description=description, version=version), facts=facts)
    return update_program(actor, row.id, ProgramChanges(description=description, version=version), facts=facts)
