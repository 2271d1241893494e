"""One operation, one transaction: the outermost `@command` commits, inner ones join it. Where an answer tells what has
become of a thing, `answering` makes the command and that reading one transaction.

A command that changed something must have asked for permission and must have recorded an event; one that forgot is a
defect, and is stopped here before it commits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
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
from app.core.errors import Conflict, Invalid, OutcomeUnknown, RateLimited, StaleVersion
from app.core.phrases import phrase

STRAY = "changed outside of a command"
OUTSIDE = "This belongs inside a @command."

P = ParamSpec("P")
R = TypeVar("R")


class Unasked(AssertionError):
    """A command ran without asking for any permission. This is a defect of the command."""


class Unrecorded(AssertionError):
    """A command changed something and recorded no event. This is a defect of the command."""


class Stray(AssertionError):
    """An answer changed something outside of any command. This is a defect of its view."""


@dataclass
class Duties:
    """What an outermost command has done of what it must, and whether it has changed anything."""

    asked: bool = False
    changed: bool = False
    recorded: bool = False


@dataclass
class Unit:
    """What has happened so far in one transaction of commands. `duties` are those of the one that is running."""

    duties: Duties | None = None
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
    assert unit is not None, OUTSIDE
    assert unit.duties is not None, OUTSIDE
    return unit


def has_asked() -> None:
    """The command that is running, if there is one, has asked for permission."""
    if (duties := _duties()) is not None:
        duties.asked = True


def has_recorded() -> None:
    """The command that is running has recorded what it does. Raises AssertionError outside of commands."""
    duties = _duties()
    assert duties is not None, OUTSIDE
    duties.recorded = True


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
    OutcomeUnknown is raised where the database is lost before it has said whether it has committed.
    """
    if function is None:
        return lambda wrapped: _as_command(wrapped, anyone, unrecorded)
    return _as_command(function, anyone, unrecorded)


def _as_command(function: Callable[P, R], anyone: str, unrecorded: str) -> Callable[P, R]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        unit = _unit.get()
        if unit is not None and unit.duties is not None:
            return function(*args, **kwargs)
        duties = Duties(asked=bool(anyone), recorded=bool(unrecorded))
        with _within(args[0], unit) as unit, _held_to(unit, duties, function.__name__):
            return function(*args, **kwargs)

    run.is_command = True  # type: ignore[attr-defined]
    run.anyone = anyone  # type: ignore[attr-defined]
    return run


@contextmanager
def answering(actor: Actor) -> Iterator[None]:
    """Commands, and what is read of their outcome, as one: the answer tells what they did and nobody did since.

    Each command is held to its duties by itself, and all of it commits together at the end of the block. Raises what a
    command does, and what was changed outside of one is Stray.
    """
    with _one_transaction(actor):
        yield
        db.session.flush()
        if db.session.info.pop(STRAY, False):
            raise Stray


def _within(actor: Any, unit: Unit | None) -> AbstractContextManager[Unit]:
    return _one_transaction(actor) if unit is None else nullcontext(unit)


@contextmanager
def _one_transaction(actor: Any) -> Iterator[Unit]:
    """Commit at the end of the block and tell everybody who listens, or change nothing."""
    unit = Unit()
    token = _unit.set(unit)
    try:
        with ExitStack() as stack:
            if isinstance(actor, Actor):
                stack.enter_context(tenancy.entered(db.session, actor.tenant_id))
            try:
                yield unit
            except RateLimited:
                _commit(unit)  # what was counted stays counted, else nobody would ever wait
                raise
            _commit(unit)
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


@contextmanager
def _held_to(unit: Unit, duties: Duties, name: str) -> Iterator[None]:
    """Hold an outermost command to asking for permission, and to recording what it changes. Raises where it did not."""
    unit.duties = duties
    try:
        try:
            yield
        except RateLimited:
            _judge(duties, name)
            raise
        _judge(duties, name)
    finally:
        unit.duties = None


def _judge(duties: Duties, name: str) -> None:
    db.session.flush()
    if not duties.asked:
        raise Unasked(name)
    if duties.changed and not duties.recorded:
        raise Unrecorded(name)


def end_reading() -> None:
    """End a transaction that has only read, by COMMIT.

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


def _commit(unit: Unit) -> None:
    unit.duties = Duties(asked=True, recorded=True)  # those who left something to be done at the end have done theirs
    for act in unit.last_acts:
        act()
    db.session.flush()
    try:
        db.session.commit()
    except DBAPIError as lost:
        if lost.connection_invalidated and getattr(lost.orig, "sqlstate", None) is None:  # no word came back
            raise OutcomeUnknown from lost
        raise


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
    duties = _duties()
    if duties is None:
        session.info[STRAY] = True
        return
    written = (*session.new, *(row for row in session.dirty if session.is_modified(row)), *session.deleted)
    if any(_counts(row.__table__) for row in written):
        duties.changed = True


@event.listens_for(Session, "do_orm_execute")
def _notice_statement(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    if (duties := _duties()) is None:
        state.session.info[STRAY] = True
    elif _counts(getattr(state.statement, "table", None)):
        duties.changed = True


def _duties() -> Duties | None:
    """Those of the command that is running, or None outside of commands."""
    unit = _unit.get()
    return None if unit is None else unit.duties


def _counts(table: Any) -> bool:
    """Whether a change of `table` must be recorded. Tables of the mechanisms themselves say that they need not."""
    return not getattr(table, "info", {}).get("unrecorded")
