"""What the ids of the audit trail stand for, in words: a number, a name, and where its page is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Select,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.actor import Actor
from app.core.database import db
from app.core.permissions import viewing_of
from app.models.access_roles import AccessRole
from app.models.api_keys import ApiKey
from app.models.application_instances import ApplicationInstanceUser
from app.models.certifications import Certification
from app.models.governance_policies import GovernancePolicy
from app.models.programs import Program
from app.models.task_comments import TaskComment
from app.models.tasks import Task
from app.models.user_groups import UserGroup
from app.models.users import User


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is still there: what people call it, and the id of its page, or None where it has none now."""

    name: str
    page_id: str | None


_NUMBER = Program.key + "-" + cast(Task.number, String)

# By the name of its class: what it is called, the id of its page (of a comment that is its task's), and whether that
# page is there. All of them are narrowed to the organisation and to the ids that are asked for.
_NAMES: dict[str, tuple[Any, Any, Any, Any]] = {
    "Task": (_NUMBER, Task.id, Task.deleted_at.is_(None), Task),
    "TaskComment": (_NUMBER, Task.id, Task.deleted_at.is_(None), TaskComment),
    "Program": (Program.name, Program.id, Program.deleted_at.is_(None), Program),
    "Certification": (Certification.certification_number, Certification.id, true(), Certification),
    "GovernancePolicy": (GovernancePolicy.name, GovernancePolicy.id, true(), GovernancePolicy),
    "User": (User.name, null(), true(), User),
    "UserGroup": (UserGroup.name, UserGroup.id, true(), UserGroup),
    "AccessRole": (AccessRole.name, AccessRole.id, true(), AccessRole),
    "ApiKey": (ApiKey.prefix, null(), true(), ApiKey),
}
_MODELS = {name: model for name, (_name, _page, _there, model) in _NAMES.items()}


def things_named(actor: Actor, mentioned: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Thing]:
    """The names of things by kind and id: of those that are still there and that the reader may see. One query."""
    wanted: dict[str, list[UUID | int]] = {}
    for kind, each in mentioned:
        seen = kind in _NAMES and (kind == "ApiKey" or actor.may(viewing_of(_MODELS[kind])))
        if seen and (named := _id(kind, each)) is not None:
            wanted.setdefault(kind, []).append(named)
    if not wanted:
        return {}
    values: dict[str, Any] = {f"ids_{kind}": ids for kind, ids in wanted.items()} | {"tenant": actor.tenant_id}
    rows = db.session.execute(_statement(tuple(sorted(wanted))), values)
    return {(row.kind, row.id): Thing(row.name, row.page_id) for row in rows if row.name}


def _id(kind: str, text: str) -> UUID | int | None:
    """The id as its table has it. The trail keeps any text."""
    try:
        return int(text) if kind == "User" else UUID(text)
    except ValueError:
        return None


@cache
def _statement(asked: tuple[str, ...]) -> CompoundSelect[Any]:
    return union_all(*(_named(kind) for kind in asked))


def _named(kind: str) -> Select[Any]:
    name, page_id, there, model = _NAMES[kind]
    key = model.user_id if model is User else model.id
    query = select(
        literal(kind, Text).label("kind"),
        cast(key, Text).label("id"),
        cast(name, Text).label("name"),
        case((there, cast(page_id, Text)), else_=null()).label("page_id"),
    )
    if model is TaskComment:
        query = query.join(Task, Task.id == TaskComment.task_id)
    if model in (Task, TaskComment):
        query = query.join(Program, Program.id == Task.program_id)
    if model is User:
        query = query.join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
    tenant = ApplicationInstanceUser if model is User else model
    return query.where(
        tenant.application_instance_id == bindparam("tenant"),
        key == any_(bindparam(f"ids_{kind}", type_=ARRAY(BigInteger if model is User else Uuid))),
    )
