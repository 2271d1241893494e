"""The one database handle, and what every table shares."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, CursorResult, DateTime, Executable, ForeignKey, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column, registry, scoped_session

from app.core import clock
from app.core.ids import new_id
from app.core.tenancy import current_tenant_id


class Base(DeclarativeBase):
    """What a model starts from: aware timestamps, JSONB for mappings, and integers as wide as `users.user_id` is."""

    # A registry, not `type_annotation_map`: Flask-SQLAlchemy copies the namespace of this class.
    registry = registry(
        metadata=MetaData(),
        type_annotation_map={datetime: DateTime(timezone=True), int: BigInteger, dict[str, Any]: JSONB},
    )


# A committed row stays readable: who called the command shows it without asking again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    # Flask-SQLAlchemy builds `db.Model` at run time; the type checker sees the base that it is built from.
    Model = Base
else:
    Model = db.Model


class TenantOwned:
    """A row of one organisation. PostgreSQL shows it only while that organisation is the current one."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    application_instance_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application_instances.id"), default=current_tenant_id
    )


class Versioned:
    """A row that two people may edit: the second to save an old copy is told so, see `errors.StaleVersion`."""

    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


class Deletable:
    """A row that goes to the trash first and can be brought back."""

    deleted_at: Mapped[datetime | None]
    deleted_by_user_id: Mapped[int | None]

    def put_in_trash(self, *, by: int | None, at: datetime) -> None:
        """Take the row out of every list. It keeps its number or key."""
        self.deleted_at, self.deleted_by_user_id = at, by

    def restore(self) -> None:
        """Bring the row back as it was."""
        self.deleted_at = self.deleted_by_user_id = None


def rows_of(
    session: Session | scoped_session[Any], statement: Executable, values: Mapping[str, Any]
) -> CursorResult[Any]:
    """What `statement` selects column by column, asked of the connection itself.

    The mapper has no part in such rows, and takes as long to find that out as the driver takes to read them.
    """
    session.flush()
    return session.connection().execute(statement, values)


@contextmanager
def fresh_session() -> Iterator[None]:
    """Leave no row, lock or connection behind: what a job or a test wraps around its work."""
    try:
        yield
    finally:
        db.session.rollback()
        db.session.remove()


def finish_reading() -> None:
    """End a transaction that has only read, before something slow is done. What was read stays readable."""
    db.session.commit()
