"""The tenant wall: one organisation is current, and PostgreSQL shows the rows of no other.

Each transaction starts with `SET LOCAL`, as `set_config(..., true)`: the setting dies with the transaction, so that
neither a connection pool nor PgBouncer can hand it to somebody else. With nothing set, the policies show no row at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

SETTING = "oversing.tenant"
NOBODY = UUID(int=0)  # what is current for work that belongs to no organisation, such as a mail

_current: ContextVar[UUID | None] = ContextVar("current_tenant", default=None)
_set_setting = text("SELECT set_config('oversing.tenant', :tenant, true)")


def current_tenant_id() -> UUID | None:
    """The id of the current organisation, or None where there is none."""
    return _current.get()


@contextmanager
def entered(session: Any, tenant_id: UUID) -> Iterator[None]:
    """Make `tenant_id` the current organisation for the block, in the running transaction and in those that start."""
    before = _current.get()
    if before == tenant_id:
        yield
        return
    _begin_what_has_begun(session)
    token = _current.set(tenant_id)
    try:
        _tell(session, tenant_id)
        yield
    finally:
        _current.reset(token)
        _tell(session, before)


def enter(session: Any, tenant_id: UUID | None) -> None:
    """Make `tenant_id` the current organisation until somebody says otherwise: for the length of a request."""
    _current.set(tenant_id)
    _tell(session, tenant_id)


def note_entered(tenant_id: UUID) -> None:
    """The same where a statement has told the transaction already: the function enter_application_instance."""
    _current.set(tenant_id)


def _begin_what_has_begun(session: Any) -> None:
    """Let a transaction that waits for its first statement begin under who was current until now.

    A savepoint that is rolled back would else give the transaction to who is entered next.
    """
    running = _running(session)
    if running.in_transaction() and running.is_active:
        running.connection()


def _tell(session: Any, tenant_id: UUID | None) -> None:
    """Change the setting of a transaction that runs already."""
    running = _running(session)
    if running.in_transaction() and running.is_active and _takes_statements(running.connection()):
        running.execute(_set_setting, {"tenant": str(tenant_id or "")})


def _running(session: Any) -> Session:
    return session() if isinstance(session, scoped_session) else session  # type: ignore[no-any-return]


def _takes_statements(connection: Connection) -> bool:
    """Whether the transaction can go on. One that an error has broken is rolled back by whoever meets the error."""
    if connection.invalidated:
        return False
    driver: Any = connection.connection.driver_connection
    return driver.info.transaction_status in (TransactionStatus.IDLE, TransactionStatus.INTRANS)


@event.listens_for(Session, "after_begin")
def _begin(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = _current.get()
    if tenant_id is not None and not transaction.nested:
        connection.execute(_set_setting, {"tenant": str(tenant_id)})
