"""What the tests of the mechanisms share: statements outside of any command, and commands that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import text

from app.core import tenancy
from app.core.database import db
from app.models.programs import Program
from tests.cast import Organisation, Player, afresh
from tests.factories import a_program
from tests.stage import url_of


def kept_program(player: Player, **given: Any) -> Program:
    """A program that stays readable as it was made, whatever becomes of the session."""
    program = a_program(player, **given)
    afresh()
    return program


def scalar(statement: str, **values: Any) -> Any:
    """The one value of a statement, in the transaction that runs now."""
    return db.session.scalar(text(statement), values)


@contextmanager
def inside(organisation: Organisation) -> Iterator[None]:
    """Work in an organisation, outside of any command; what is done there is rolled back."""
    db.session.rollback()
    with tenancy.entered(db.session, organisation.id):
        yield
        db.session.rollback()


@contextmanager
def as_role(role: str, organisation: Organisation | None = None) -> Iterator[psycopg.Connection]:
    """A connection of its own as one of the database's roles, in the organisation if one is given. Rolled back."""
    with psycopg.connect(url_of(str(db.engine.url.database), role)) as connection:
        connection.read_only = False  # the auditor begins read-only by a setting, which is no wall
        if organisation is not None:
            connection.execute("SELECT set_config('oversing.tenant', %s, true)", [str(organisation.id)])
        yield connection
        connection.rollback()
