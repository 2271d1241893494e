"""The history of a thing, read from the audit trail: the one history there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, or_, select

from app.core import sealing
from app.core.actor import Actor
from app.core.audit import audit_events, unsealed
from app.core.certification_log import certification_audit_log
from app.core.database import db
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere
from app.models.task_comments import TaskComment
from app.models.users import User


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `person_name` is whom it happened to, where it was done with a person.

    `editors` are those who wrote it together with who did it.
    """

    event_id: UUID
    event_type: str
    action: str
    actor_user_id: int | None
    actor_name: str
    person_name: str | None
    editors: list[str]
    changes: list[Change]
    facts: dict[str, Any]
    created_at: datetime


_TRAIL = audit_events.c
_EVENTS = Listing(
    select(audit_events, User.name.label("actor_name"))
    .outerjoin(User, User.user_id == _TRAIL.actor_user_id)
    .where(_TRAIL.application_instance_id == bindparam("tenant"))
    .where(
        or_(
            (_TRAIL.entity_type == bindparam("type")) & (_TRAIL.entity_id == bindparam("entity")),
            (_TRAIL.entity_type == "TaskComment")
            & (_TRAIL.entity_id == any_(bindparam("comments", type_=ARRAY(Text)))),
        )
    ),
    _TRAIL.id,
)


def task_history(actor: Actor, task_id: UUID, paging: Paging | None = None) -> Page[Event]:
    """What happened to a task and its comments, newest first. Ask for the task itself first."""
    require_somewhere(actor, "task.view")
    comments = select(TaskComment.id).where(
        TaskComment.application_instance_id == actor.tenant_id, TaskComment.task_id == task_id
    )
    return _history(actor, "Task", task_id, paging, [str(comment_id) for comment_id in db.session.scalars(comments)])


def program_history(actor: Actor, program_id: UUID, paging: Paging | None = None) -> Page[Event]:
    """What happened to a program itself, newest first. Its tasks have histories of their own. Ask for it first."""
    require_somewhere(actor, "program.view")
    return _history(actor, "Program", program_id, paging)


def _history(
    actor: Actor, entity_type: str, entity_id: UUID, paging: Paging | None, comments: Sequence[str] = ()
) -> Page[Event]:
    about = {"type": entity_type, "entity": str(entity_id), "comments": list(comments)}
    page = _EVENTS.page(db.session, paging or Paging(), values={"tenant": actor.tenant_id, **about})
    subjects = {f"{_KINDS[row.entity_type]}:{row.entity_id}" for row in page.rows}
    keys = sealing.keys(actor.tenant_id, subjects) if subjects else {}
    names = _names(each for row in page.rows for each in (_facts(row).get("user_id"), *_editors(row)))
    return replace(page, rows=[_event(row, keys, names) for row in page.rows])


_LOG = certification_audit_log.c
_CUSTODY = (
    select(certification_audit_log, User.name.label("actor_name"))
    .outerjoin(User, User.user_id == _LOG.user_id)
    .where(_LOG.application_instance_id == bindparam("tenant"), _LOG.certification_id == bindparam("certification"))
)
_FROM_THE_BEGINNING = Listing(_CUSTODY, _LOG.sequence, oldest_first=True)
_FROM_THE_END = Listing(_CUSTODY, _LOG.sequence)


def certification_events(
    actor: Actor, certification_id: UUID, paging: Paging | None = None, *, newest_first: bool = False
) -> Page[Any]:
    """A page of the chain of custody of a certification, from its beginning or from its end. One query.

    Ask for the certification itself first.
    """
    require_somewhere(actor, "certification.view")
    listing = _FROM_THE_END if newest_first else _FROM_THE_BEGINNING
    values = {"tenant": actor.tenant_id, "certification": certification_id}
    return listing.page(db.session, paging or Paging(), values=values)


_KINDS = {"Task": "task", "TaskComment": "task_comment", "Program": "program"}


def _names(user_ids: Iterable[int | None]) -> dict[int, str]:
    """The names of people by their ids. Ids of people are only written down where they work here, or did."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    query = select(User.user_id, User.name).where(User.user_id.in_(wanted))
    return {row.user_id: row.name for row in db.session.execute(query)}


def _facts(row: Any) -> dict[str, Any]:
    facts: dict[str, Any] = (row.metadata or {}).get("facts", {})
    return facts


def _editors(row: Any) -> list[int]:
    """Who wrote with the person who saved it."""
    return [each for each in _facts(row).get("editor_ids", []) if each != row.actor_user_id]


def _event(row: Any, keys: dict[str, sealing.RecordKey], names: dict[int, str]) -> Event:
    key = keys.get(f"{_KINDS[row.entity_type]}:{row.entity_id}")
    before, after = unsealed(key, row.before_state), unsealed(key, row.after_state)
    return Event(
        event_id=row.event_id,
        event_type=row.event_type,
        action=row.action,
        actor_user_id=row.actor_user_id,
        actor_name=row.actor_name or "Oversing",
        person_name=names.get(_facts(row).get("user_id", 0)),
        editors=[names[each] for each in _editors(row) if each in names],
        changes=[Change(name, before.get(name), after.get(name)) for name in after],
        facts=_facts(row),
        created_at=row.created_at,
    )
