"""The audit trail of an organisation: filtered, page by page, as far as its reader may see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Text, bindparam, cast, func, select, text, tuple_

from app.core.actor import Actor
from app.core.audit import audit_events
from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere
from app.models.application_instances import ApplicationInstanceUser
from app.models.certifications import Certification
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User
from app.queries.audit_reading import AuditEvent, entity_type_of, shown

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
