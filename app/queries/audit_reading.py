"""Events of the trail as a reader sees them: what is sealed opened where they may, and what ids stand for named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core import sealing
from app.core.actor import Actor
from app.core.audit import unsealed
from app.core.database import Base, db
from app.core.permissions import viewing_of
from app.models.api_keys import ApiKey
from app.models.users import User
from app.queries.audit_things import Thing, things_named

# Ids in states and facts, and what they stand for.
REFERENCES = {
    "program_id": "Program",
    "parent_id": "Program",
    "task_id": "Task",
    "user_id": "User",
    "editor_ids": "User",
    "access_role_id": "AccessRole",
    "managed_role_ids": "AccessRole",
    "user_group_id": "UserGroup",
    "member_group_id": "UserGroup",
    "governance_policy_id": "GovernancePolicy",
    "supersedes_id": "Certification",
    "superseded_by_id": "Certification",
    "revoked_by_user_id": "User",
    "deleted_by_user_id": "User",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after. What was `erased` can be read by nobody; what is `withheld` not by this reader."""

    field: str
    before: Any
    after: Any
    erased: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event of the trail. `things` are names of what its ids stand for, by kind and id."""

    id: int
    event_id: UUID
    event_type: str
    entity_type: str
    entity_id: str
    action: str
    actor_user_id: int | None
    actor_name: str | None
    network: str | None
    via: str
    credential_id: UUID | None
    key_prefix: str | None
    request_id: str | None
    facts: dict[str, Any]
    changes: list[Change]
    created_at: datetime
    things: Mapping[tuple[str, str], Thing]

    @property
    def thing(self) -> Thing | None:
        """What it happened to, where the reader may see that and it is still there."""
        return self.things.get((self.entity_type, self.entity_id))


def shown(actor: Actor, rows: list[Any], *, names: bool = True) -> list[AuditEvent]:
    """Rows of the trail as this reader sees them. Three queries, however many rows: keys, people, things.

    Without `names` their ids are all that is told of things; an API key is told by its prefix all the same.
    """
    opened = {model: opens(actor, model) for model in {row.entity_type for row in rows}}
    subjects = {key_subject(row) for row in rows if _has_sealed(row)}
    keys = sealing.known_keys(actor.tenant_id, subjects)
    people = _people(rows)
    things = things_named(actor, _mentioned(rows) if names else _keys_used(rows))
    return [_event(row, opened[row.entity_type], keys, people, things) for row in rows]


def opens(actor: Actor, entity_type: str) -> bool:
    """Whether this reader may see what is sealed of things of a kind: who may see all of that kind may."""
    model = _models().get(entity_type)
    return model is not None and actor.may(viewing_of(model))


def key_subject(row: Any) -> str:
    """The name under which the key of what an event is about is kept."""
    model = _models().get(row.entity_type)
    return f"{model.kind if model is not None else row.entity_type}:{row.entity_id}"


def changes_of(row: Any, key: sealing.RecordKey | None, opened: bool) -> list[Change]:
    """What changed, field by field."""
    before, after = row.before_state or {}, row.after_state or {}
    if not _has_sealed(row):
        return [Change(name, before.get(name), after.get(name)) for name in dict.fromkeys([*after, *before])]
    held = {name for state in (before, after) for name, value in state.items() if _is_sealed(value)}
    gone = key is None or key.material is None
    was, now = unsealed(key if opened else None, before), unsealed(key if opened else None, after)
    return [
        Change(
            field=name,
            before=was.get(name),
            after=now.get(name),
            erased=name in held and (gone or _dropped(before.get(name)) or _dropped(after.get(name))),
            withheld=name in held and not gone and not opened,
        )
        for name in dict.fromkeys([*after, *before])
    ]


@cache
def kinds() -> dict[str, str]:
    """The kinds of things that events are about, by the name of their class."""
    return {name: model.kind for name, model in _models().items() if getattr(model, "audited", ())}


def entity_type_of(kind: str) -> str | None:
    """The name that the trail gives to a kind: "Task" for "task"."""
    return next((name for name, each in kinds().items() if kind in (each, name)), None)


@cache
def _models() -> dict[str, Any]:
    return {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "kind")}


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and "sealed" in value


def _dropped(value: Any) -> bool:
    """Whether a value was never kept: its key was erased before the event."""
    return _is_sealed(value) and value["sealed"] is None


def _has_sealed(row: Any) -> bool:
    for state in (row.before_state, row.after_state):
        for value in state.values() if state else ():
            if type(value) is dict and "sealed" in value:
                return True
    return False


def _people(rows: list[Any]) -> dict[int, str]:
    ids = {row.actor_user_id for row in rows if row.actor_user_id is not None}
    if not ids:
        return {}
    return {
        row.user_id: row.name
        for row in db.session.execute(select(User.user_id, User.name).where(User.user_id.in_(ids)))
    }


def _mentioned(rows: list[Any]) -> set[tuple[str, str]]:
    found = {(row.entity_type, row.entity_id) for row in rows}
    for row in rows:
        for state in (row.before_state or {}, row.after_state or {}, _facts(row)):
            for name in REFERENCES.keys() & state.keys():
                ids = state[name] if isinstance(state[name], list) else [state[name]]
                found |= {(REFERENCES[name], str(each)) for each in ids if isinstance(each, str | int)}
    return found | _keys_used(rows)


def _keys_used(rows: list[Any]) -> set[tuple[str, str]]:
    used = {(row.metadata or {}).get("credential_id") for row in rows}
    return {(ApiKey.__name__, credential) for credential in used if credential}


def _facts(row: Any) -> dict[str, Any]:
    facts: dict[str, Any] = (row.metadata or {}).get("facts", {})
    return facts


def _event(
    row: Any,
    opened: bool,
    keys: Mapping[str, sealing.RecordKey],
    people: Mapping[int, str],
    things: Mapping[tuple[str, str], Thing],
) -> AuditEvent:
    how = row.metadata or {}
    credential = how.get("credential_id") if how.get("via") == "api_key" else None
    key = things.get((ApiKey.__name__, credential)) if credential else None
    return AuditEvent(
        id=row.id,
        event_id=row.event_id,
        event_type=row.event_type,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        action=row.action,
        actor_user_id=row.actor_user_id,
        actor_name=people.get(row.actor_user_id),
        network=row.network,
        via=how.get("via", ""),
        credential_id=UUID(credential) if credential else None,
        key_prefix=key.name if key else None,
        request_id=how.get("request_id") or None,
        facts=_facts(row),
        changes=changes_of(row, keys.get(key_subject(row)), opened),
        created_at=row.created_at,
        things=things,
    )
