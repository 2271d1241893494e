"""The pool of connections: one that the server has closed meanwhile is noticed before it is used, not by an error.

Asking the server each time would cost every request a round trip. A closed connection tells it by itself, to who looks
at its socket; only one that rested long, and may have been dropped silently on the way, is asked.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import InvalidatePoolError

from app.core.prepared import keep_prepared
from app.core.result_columns import describe_when_asked

RESTED = 15.0  # seconds


def watch(engine: Engine) -> None:
    """Look at each connection that is taken out of the pool of `engine` again, and have it do no needless work."""

    def put_back(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def taken_out(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get("rests_since")
        if since is None:
            return  # it was opened a moment ago
        try:
            for _ in ("parting words", "the end"):  # a read that finds words says nothing of an end behind them
                connection.pgconn.consume_input()
            if time.monotonic() - since > RESTED:
                engine.dialect.do_ping(connection)
        except psycopg.Error as gone:
            raise InvalidatePoolError from gone

    def failed(context: ExceptionContext) -> None:
        # What was planned for a table of another shape never works again, and no ROLLBACK forgets it.
        if isinstance(context.original_exception, psycopg.errors.FeatureNotSupported):
            context.is_disconnect, context.invalidate_pool_on_disconnect = True, False

    event.listen(engine, "connect", keep_prepared)
    event.listen(engine, "connect", describe_when_asked)
    event.listen(engine, "handle_error", failed)
    event.listen(engine, "checkin", put_back)
    event.listen(engine, "checkout", taken_out)
