"""Prepared statements: planned once on a connection, and kept, also where a command was refused.

psycopg prepares what it has sent five times, remembers a hundred statements, and at each ROLLBACK forgets them all, as
what was rolled back might have made or altered a table. Ours never does: tables are made by migrations, with a role of
their own. But we have several hundred statements, and each refusal is a ROLLBACK: most would be planned anew each
time, and under the policies of rows planning takes longer than finding the rows.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg._preparing import PrepareManager

STATEMENTS = 500  # on a connection


class _Kept(PrepareManager):
    """What a connection has prepared. It outlives a ROLLBACK, as it does in PostgreSQL itself."""

    prepared_max = STATEMENTS

    def clear(self) -> bool:
        """Forget nothing. Returns that there is nothing to tell the server."""
        return False


def keep_prepared(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Have a new connection keep the statements that it prepares."""
    connection._prepared = _Kept()  # psycopg has no public way to say so; a test sees that it is heeded
