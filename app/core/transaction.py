"""One operation, one transaction: the outermost `@command` commits, inner ones join it.

A command that changed something must have asked for permission and must have recorded an event; one that forgot is a
defect, and is stopped here before it commits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.exc import StaleDataError

from app.core import live, tenancy
from app.core.actor import Actor
from app.core.database import Base, db
from app.core.errors import Conflict, Invalid, RateLimited, StaleVersion
from app.core.phrases import phrase

STRAY = "changed outside of a command"

P = ParamSpec("P")
R = TypeVar("R")


class Unasked(AssertionError):
    """A command ran without asking for any permission. This is a defect of the command."""


class Unrecorded(AssertionError):
    """A command changed something and recorded no event. This is a defect of the command."""


@dataclass
class Unit:
    """What has happened so far in the transaction of one outermost command."""

    asked: bool = False
    changed: bool = False
    recorded: bool = False
    before: dict[int, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    announcements: list[live.Announcement] = field(default_factory=list)
    farewells: list[live.Farewell] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    keys: dict[tuple[UUID, str], Any] = field(default_factory=dict)  # of records, as they were read or made
    last_acts: list[Callable[[], None]] = field(default_factory=list)  # done as the last thing before it commits


_unit: ContextVar[Unit | None] = ContextVar("unit", default=None)


def current_unit() -> Unit | None:
    """The unit of the command that is running, or None outside of commands."""
    return _unit.get()


def required_unit() -> Unit:
    """The unit of the command that is running. Raises AssertionError outside of commands."""
    unit = _unit.get()
    assert unit is not None, "This belongs inside a @command."
    return unit


@overload
def command(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def command(*, anyone: str = ..., unrecorded: str = ...) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def command(
    function: Callable[P, R] | None = None, /, *, anyone: str = "", unrecorded: str = ""
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function the one way to carry out an operation. Its first argument is the actor.

    `anyone` says why an operation needs no permission: signing in, for instance, comes before there are any.
    `unrecorded` says why it leaves no trace in the audit trail.
    Raises what the function raises, and then nothing was changed: but for RateLimited, of which the count stays. A row
    that somebody else changed meanwhile is StaleVersion, and a value that a constraint refuses is Invalid or Conflict.
    """
    if function is None:
        return lambda wrapped: _as_command(wrapped, anyone, unrecorded)
    return _as_command(function, anyone, unrecorded)


def _as_command(function: Callable[P, R], anyone: str, unrecorded: str) -> Callable[P, R]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _unit.get() is not None:
            return function(*args, **kwargs)
        unit = Unit(asked=bool(anyone), recorded=bool(unrecorded))
        token = _unit.set(unit)
        try:
            with ExitStack() as stack:
                if isinstance(args[0], Actor):
                    stack.enter_context(tenancy.entered(db.session, args[0].tenant_id))
                try:
                    result = function(*args, **kwargs)
                except RateLimited:
                    _commit(unit, function.__name__)  # what was counted stays counted, else nobody would ever wait
                    raise
                _commit(unit, function.__name__)
        except StaleDataError as stale:
            db.session.rollback()
            raise StaleVersion from stale
        except IntegrityError as refused:
            db.session.rollback()
            raise _refusal(refused) from refused
        except BaseException:
            db.session.rollback()
            raise
        finally:
            _unit.reset(token)
        live.publish(unit.announcements, unit.farewells)
        return result

    run.is_command = True  # type: ignore[attr-defined]
    run.anyone = anyone  # type: ignore[attr-defined]
    return run


def end_reading() -> None:
    """End a transaction that has only read, by COMMIT: at a ROLLBACK psycopg forgets every statement it has prepared.

    What was changed outside of a command is a defect of who changed it, and is rolled back. Raises nothing: when the
    database has gone by now, all that was wanted of it has been read.
    """
    session = db.session()
    if not session.in_transaction():
        return
    stray = session.info.pop(STRAY, False) or session.new or session.dirty or session.deleted
    with suppress(DBAPIError):
        if stray or not session.is_active:
            session.rollback()
        else:
            session.commit()


def _commit(unit: Unit, name: str) -> None:
    db.session.flush()
    if not unit.asked:
        raise Unasked(name)
    if unit.changed and not unit.recorded:
        raise Unrecorded(name)
    for act in unit.last_acts:
        act()
    db.session.commit()


def _refusal(refused: IntegrityError) -> Invalid | Conflict:
    """What a constraint says to a person: models map the names of their constraints to a field and a sentence."""
    constraint = getattr(getattr(refused.orig, "diag", None), "constraint_name", None)
    for mapper in Base.registry.mappers:
        if constraint in (told := getattr(mapper.class_, "refusals", {})):
            field_name, sentence = told[constraint]
            return Invalid({field_name: sentence})
    return Conflict(phrase("Something that this depends on was changed or taken away in the meantime."))


@event.listens_for(Session, "after_flush")
def _notice_flush(session: Session, _context: Any) -> None:
    unit = _unit.get()
    if unit is None:
        session.info[STRAY] = True
        return
    written = (*session.new, *(row for row in session.dirty if session.is_modified(row)), *session.deleted)
    if any(_counts(row.__table__) for row in written):
        unit.changed = True


@event.listens_for(Session, "do_orm_execute")
def _notice_statement(state: ORMExecuteState) -> None:
    unit = _unit.get()
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    if unit is None:
        state.session.info[STRAY] = True
    elif _counts(getattr(state.statement, "table", None)):
        unit.changed = True


def _counts(table: Any) -> bool:
    """Whether a change of `table` must be recorded. Tables of the mechanisms themselves say that they need not."""
    return not getattr(table, "info", {}).get("unrecorded")
