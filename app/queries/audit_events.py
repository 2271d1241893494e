"""The audit trail of an organisation, as its readers see it: filtered, page by page, with what they may open opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Text, bindparam, cast, func, select, text, tuple_

from app.core import sealing
from app.core.actor import Actor
from app.core.audit import audit_events, unsealed
from app.core.database import Base, db
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere, viewing_of
from app.models.api_keys import ApiKey
from app.models.application_instances import ApplicationInstanceUser
from app.models.certifications import Certification
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User
from app.queries.audit_things import Thing, things_named

ACTIONS = ("create", "update", "delete", "read", "certify")
SYSTEM = 0  # the person by which events of the system itself are asked for
MOST_NEWS = 101  # events that are counted; what is more than a hundred is "over 100"
AROUND = timedelta(minutes=10)  # how far the moment in an event's id may lie from that of its row


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What a reader wants to see of the trail. `until` is the first moment that is not wanted any more."""

    person: int | None = None
    kind: str | None = None
    object: str | None = None
    event_type: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    request_id: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that were given."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if value not in (None, "")}


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


_HEAD = text("SELECT sequence, hash, created_at FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
_LOG = audit_events.c
_EVENTS = select(
    _LOG.id,
    _LOG.event_id,
    _LOG.event_type,
    _LOG.entity_type,
    _LOG.entity_id,
    _LOG.action,
    _LOG.actor_user_id,
    cast(_LOG.actor_ip_address, Text).label("network"),
    _LOG.before_state,
    _LOG.after_state,
    _LOG.metadata,
    _LOG.created_at,
).where(_LOG.application_instance_id == bindparam("tenant"))

# Row security lets no index find what ->> reads, as that operator might tell of others' rows. So the trail itself
# tells where the events of a request are (migration 0019); row security then shows them, or does not.
_of_request = func.audit.events_of_request(bindparam("request_id", type_=Text)).table_valued("id", "created_at")

_NARROWED: dict[str, ColumnElement[bool]] = {
    "own": _LOG.actor_user_id == bindparam("own"),
    "person": _LOG.actor_user_id == bindparam("person"),
    "system": _LOG.actor_user_id.is_(None),
    "kind": _LOG.entity_type == bindparam("kind"),
    "objects": _LOG.entity_id == func.any(bindparam("objects")),
    "event_type": _LOG.event_type == bindparam("event_type"),
    "action": _LOG.action == bindparam("action"),
    "since": _LOG.created_at >= bindparam("since", type_=_LOG.created_at.type),
    "until": _LOG.created_at < bindparam("until", type_=_LOG.created_at.type),
    "request_id": tuple_(_LOG.id, _LOG.created_at).in_(select(_of_request.c.id, _of_request.c.created_at)),
}


def list_audit_events(actor: Actor, filters: AuditFilters, paging: Paging) -> Page[AuditEvent]:
    """Events that fit, newest first: everybody's, or one's own. Raises NotFound where one may read neither.

    The months that the filters leave out are not read.
    """
    values = narrowing(actor, filters)
    page = _listing(frozenset(values)).page(db.session, paging, filters.given, values | {"tenant": actor.tenant_id})
    return replace(page, rows=shown(actor, page.rows))


def count_newer_events(actor: Actor, filters: AuditFilters, newest: UUID | None) -> int:
    """How many events that fit came after the newest that is known, counted up to a hundred and one."""
    values = narrowing(actor, filters)
    query = select(_LOG.id).where(_LOG.application_instance_id == bindparam("tenant"), *clauses(values))
    given = values | {"tenant": actor.tenant_id}
    if newest is not None:
        made = _moment_of(newest)
        known = select(_LOG.id).where(
            _LOG.application_instance_id == bindparam("tenant"),
            _LOG.event_id == newest,
            _LOG.created_at.between(made - AROUND, made + AROUND),
        )
        query = query.where(_LOG.id > known.scalar_subquery(), _LOG.created_at >= made - AROUND)
    few = query.limit(MOST_NEWS).subquery()
    return db.session.scalar(select(func.count()).select_from(few), given) or 0


def get_audit_event(actor: Actor, event_id: UUID) -> AuditEvent:
    """One event. Raises NotFound where it is not there, or is not for this reader."""
    # The id tells about when it was made (RFC 9562): so one month of the trail is read, and not all of them.
    made = _moment_of(event_id)
    values = narrowing(actor, AuditFilters(since=made - AROUND, until=made + AROUND))
    query = _EVENTS.where(*(_NARROWED[name] for name in values), _LOG.event_id == event_id)
    rows = list(db.session.execute(query, values | {"tenant": actor.tenant_id}))
    if not rows:
        raise NotFound
    return shown(actor, rows)[0]


def explained(actor: Actor, filters: AuditFilters, paging: Paging) -> list[str]:
    """How PostgreSQL reads a page of the trail, line by line: which months, by which index."""
    values = narrowing(actor, filters) | {"tenant": actor.tenant_id}
    statement = _listing(frozenset(values) - {"tenant"}).first_page(paging.size)
    compiled = statement.compile(dialect=db.session.connection().dialect)
    told = {name: values.get(name, value) for name, value in compiled.params.items()}
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {compiled}", told)
    return [line for (line,) in plan]


def narrowing(actor: Actor, filters: AuditFilters) -> dict[str, Any]:
    """What narrows the trail for this reader: the names of clauses, and the values for their placeholders."""
    require_somewhere(actor, "audit_event.view")
    values = filters.given
    if not actor.may("audit_event.view"):
        if not actor.may("audit_event.view_own"):
            raise NotFound
        values["own"] = actor.user_id
    if values.get("person") == SYSTEM:
        values["system"] = values.pop("person")
    if "kind" in values:
        values["kind"] = entity_type_of(values["kind"]) or values["kind"]
    if "object" in values:
        values["objects"] = _ids_of(actor, values.pop("object"))
    return values


def clauses(names: Iterable[str]) -> list[ColumnElement[bool]]:
    """The clauses that `narrowing` has named, in a fixed order."""
    return [_NARROWED[name] for name in sorted(names)]


def all_events() -> Select[Any]:
    """The events of an organisation, as `shown` wants their rows. Its placeholder is `tenant`."""
    return _EVENTS


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


def head_of_the_chain(actor: Actor) -> Any:
    """Where the chain of all events has come to: sequence, hash and moment of its newest link, None before the first.

    The chain is one for the installation. Kept elsewhere, its head proves later that nothing before it was changed.
    """
    require_somewhere(actor, "audit_event.view")
    if not actor.may("audit_event.view"):
        raise NotFound
    return db.session.execute(_HEAD).first()


def people_of_the_trail(actor: Actor) -> list[Any]:
    """Everybody who works here or has, by name, for a filter's menu."""
    require_somewhere(actor, "audit_event.view")
    query = (
        select(User.user_id.label("id"), User.name)
        .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
        .where(ApplicationInstanceUser.application_instance_id == actor.tenant_id)
        .order_by(User.name)
        .limit(500)
    )
    return list(db.session.execute(query)) if actor.may("user.view") else []


@cache
def _listing(narrowed_by: frozenset[str]) -> Listing:
    return Listing(_EVENTS.where(*clauses(narrowed_by)), _LOG.id, moment=_LOG.created_at)


@cache
def _models() -> dict[str, Any]:
    return {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "kind")}


def _ids_of(actor: Actor, named: str) -> list[str]:
    """The ids of what a reader calls by its number (OPS-14, RC-2026-...), by the key of a program, or by its id."""
    key, _, number = named.strip().upper().rpartition("-")
    found = [
        select(cast(Certification.id, String)).where(
            Certification.application_instance_id == actor.tenant_id,
            Certification.certification_number == named.strip(),
        ),
        select(cast(Program.id, String)).where(
            Program.application_instance_id == actor.tenant_id, Program.key == named.strip().upper()
        ),
    ]
    if number.isascii() and number.isdecimal() and len(number) < 10:
        task = select(cast(Task.id, String)).join(Program, Program.id == Task.program_id)
        here = Task.application_instance_id == actor.tenant_id
        found.append(task.where(here, Program.key == key, Task.number == int(number)))
    return [named.strip().lower(), *(each for query in found for each in db.session.scalars(query))]


def _moment_of(event_id: UUID) -> datetime:
    """The moment in a UUIDv7. Raises NotFound for an id of another kind: no event has one."""
    if event_id.version != 7:
        raise NotFound
    try:
        return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotFound from None


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
