"""`add_along`: a new row without a round trip of its own, nor what the unit of work does to find out about it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Column, Insert, insert, inspect
from sqlalchemy.orm import Mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from app.core.database import Base, db
from app.core.round_trips import send_along
from app.core.transaction import has_changed


def add_along(row: Base) -> None:
    """Write a new row before the next statement is carried out. What it refers to has to be there by then.

    The row is one of the session from now on, with every default of its columns. What a constraint refuses is raised
    by whatever goes to the database next, at the latest by the commit.
    """
    mapper: Mapper[Any] = inspect(type(row))
    values = {}
    for column, name in _columns(type(row)):
        given = getattr(row, name)
        values[column.name] = value = _default(mapper, column) if given is None else given
        set_committed_value(row, name, value)
    send_along(db.session, _insert(type(row)), values)
    has_changed(row.__table__)
    make_transient_to_detached(row)
    db.session.add(row)


@cache
def _insert(model: type[Base]) -> Insert:
    return insert(model.__table__).inline()  # type: ignore[arg-type]


@cache
def _columns(model: type[Base]) -> list[tuple[Column[Any], str]]:
    mapper: Mapper[Any] = inspect(model)
    return [(attribute.columns[0], attribute.key) for attribute in mapper.column_attrs]  # type: ignore[misc]


def _default(mapper: Mapper[Any], column: Column[Any]) -> Any:
    """What a column holds of which nothing was said."""
    if column is mapper.version_id_col:
        return 1
    default: Any = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg
