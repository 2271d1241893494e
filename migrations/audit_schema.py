"""How a migration changes the schema `audit`, which refuses changes by everybody but its owner.

Nobody logs in as that owner. deploy/database/roles.sql, run by a superuser before migrations, lets the owner of the
database act as it; deploy/database/guard.sql, run after them, takes that away again. Between the two the release runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

OWNER = "oversing_audit"


@contextmanager
def acting_as_its_owner() -> Iterator[None]:
    """Run what is inside as the owner of the audit trail. Raises RuntimeError where that is shut."""
    if not is_open():
        raise RuntimeError(
            "This migration changes the audit trail, which is closed. As a superuser, run deploy/database/roles.sql"
            " first, then the migrations, then deploy/database/guard.sql."
        )
    op.execute(f"SET ROLE {OWNER}")
    try:
        yield
    finally:
        op.execute("RESET ROLE")


def is_open() -> bool:
    """Whether whoever migrates may act as the owner of the audit trail."""
    return bool(op.get_bind().exec_driver_sql(f"SELECT pg_has_role('{OWNER}', 'MEMBER')").scalar())


def complete(*indexes: str) -> bool:
    """Whether the trail has all of these indexes, on every one of its partitions: then there is nothing to do."""
    found = op.get_bind().exec_driver_sql(
        "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        f" WHERE indisvalid AND relnamespace = 'audit'::regnamespace AND relname = ANY(ARRAY{list(indexes)}::name[])"
    )
    return found.scalar() == len(indexes)


def partitions_of(table: str) -> list[str]:
    """The names of the partitions of a table of the trail, oldest first."""
    rows = op.get_bind().exec_driver_sql(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        f" WHERE inhparent = 'audit.{table}'::regclass ORDER BY relname"
    )
    return [row.relname for row in rows]


def index_every_partition(table: str, name: str, on: str) -> None:
    """Make an index of a table of the trail month by month, each in a transaction of its own, if it is not there yet.

    Past months take no rows any more; so only writing to the current one waits, for as long as its own index takes.
    What was begun and broken off goes on where it stopped.
    """
    op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY audit.{table} {on}")
    for number, partition in enumerate(partitions_of(table)):
        part = f"{name}_p{partition.removeprefix(table)}" if len(partition) < 40 else f"{name}_{number}"
        op.execute(f"CREATE INDEX IF NOT EXISTS {part} ON audit.{partition} {on}")
        op.execute(f"ALTER INDEX audit.{name} ATTACH PARTITION audit.{part}")
