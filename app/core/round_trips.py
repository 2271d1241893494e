"""Fewer round trips to the database: for each of them a process and the server wake up, wait and wake up again.

BEGIN goes with the first statement of a transaction. A statement of which nobody reads the answer, or not at once, may
wait for the next one, or for the COMMIT, and goes with it: `send_along` and `rows_along`. They are carried out one
after the other, as they were asked for. Where one of them fails, the server carries out none that comes after it, and
whoever sent the last of them is told. A statement has to be prepared to travel with others; until then it goes alone.

Where gevent serves requests, waiting for an answer costs one switch to its loop; what psycopg does by itself, asking an
emulated poll() again and again, costs several times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
import psycopg
from gevent import monkey
from psycopg import errors, generators, pq
from psycopg._preparing import Prepare
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from sqlalchemy import Engine, Executable, event

from app.core import result_columns

Send = Callable[[], Any]
Answer = list[pq.abc.PGresult]
Rows = Sequence[Any]

_UNDER_GEVENT = monkey.is_module_patched("select")


class Later:
    """The rows of a statement that travels with others, to be read once they have been answered, or to send them."""

    def __init__(self, *, wanted: bool = True) -> None:
        self.wanted = wanted
        self._rows: Rows = ()
        self._connection: Connection | None = None

    def waits_on(self, connection: Connection) -> None:
        """The statement waits on this connection for the next one."""
        self._connection = connection

    @property
    def is_waiting(self) -> bool:
        """Whether the statement has not been sent yet."""
        return self._connection is not None

    def answer(self, rows: Rows = ()) -> None:
        """These are its rows, or there will be none."""
        self._rows, self._connection = rows, None

    def all(self) -> Rows:
        """Its rows, as tuples; none where the transaction was rolled back before."""
        if self._connection is not None:
            self._connection.send_waiting()
        return self._rows


def send_along(session: Any, statement: Executable, values: Mapping[str, Any]) -> None:
    """Have a statement of which nobody reads the answer carried out before the next one."""
    _ask_along(session, statement, values, Later(wanted=False))


def rows_along(session: Any, statement: Executable, values: Mapping[str, Any]) -> Later:
    """Have a statement carried out before the next one; its rows are to be read after that."""
    later = Later()
    _ask_along(session, statement, values, later)
    return later


def _ask_along(session: Any, statement: Executable, values: Mapping[str, Any], later: Later) -> None:
    session.flush()
    result = session.connection().execute(statement, values, execution_options={"joins_next": later})
    if not later.is_waiting:
        later.answer(result.all() if result.returns_rows else ())


class Connection(psycopg.Connection[Any]):
    """A connection on which statements travel together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = Cursor
        self.joining: list[tuple[Send, Later]] = []

    def wait(self, gen: PQGen[Any], *args: Any, **kwargs: Any) -> Any:
        """Wait for an answer as gevent does, where it serves requests."""
        if not _UNDER_GEVENT or args or kwargs:
            return super().wait(gen, *args, **kwargs)
        try:
            wanted, hub = next(gen), gevent.get_hub()
            while True:
                hub.wait(hub.loop.io(self.pgconn.socket, int(wanted)))
                wanted = gen.send(wanted)  # to look at what is not ready yet is harmless
        except StopIteration as done:
            return done.value

    @property
    def begins(self) -> bool:
        """Whether the next statement is the first of a transaction."""
        return not self.autocommit and self.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def take_waiting(self) -> list[tuple[Send, Later]]:
        """What waits for another statement, and waits no longer. Until it is answered, there are no rows."""
        waiting, self.joining = self.joining, []
        for _send, later in waiting:
            later.answer()
        return waiting

    def send_waiting(self) -> None:
        """Send what waits for another statement without one."""
        with self.lock:
            self.wait(self.send_together())

    def send_together(self, *last: Send) -> PQGen[Answer]:
        """Send what has to go ahead, and `last` behind it. The answer to the last; raises the first error of them."""
        begin = [partial(self.pgconn.send_query_params, self._get_tx_start_command(), None)] if self.begins else []
        joining = self.take_waiting()
        self._check_connection_ok()
        answers = yield from _together(self.pgconn, [*begin, *(send for send, _later in joining), *last])
        for result in (result for answer in answers for result in answer):
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise errors.error_from_result(result, encoding=self.pgconn._encoding)
        for (_send, later), answer in zip(joining, answers[len(begin) :], strict=False):
            later.answer(Cursor(self).rows_in(answer) if later.wanted else ())
        return answers[-1]

    def _start_query(self) -> PQGen[None]:
        if self.joining and not self._pipeline:
            yield from self.send_together()
        else:
            yield from super()._start_query()

    def _commit_gen(self) -> PQGen[None]:
        if self.joining:
            yield from self.send_together(partial(self.pgconn.send_query_params, b"COMMIT", None))
        else:
            yield from super()._commit_gen()

    def _rollback_gen(self) -> PQGen[None]:
        self.take_waiting()
        yield from super()._rollback_gen()


class Cursor(result_columns.Cursor):
    """A cursor whose statement takes along what has to be sent before it."""

    _conn: Connection

    def join_next(self, query: str, values: Any, later: Later) -> bool:
        """Have a statement sent with the next one. False where it cannot be, and has to go alone."""
        in_transaction = self._conn.pgconn.transaction_status == pq.TransactionStatus.INTRANS
        if self._conn._pipeline or not in_transaction or (send := self._prepared(query, values)) is None:
            return False
        self._conn.joining.append((send, later))
        later.waits_on(self._conn)
        return True

    def rows_in(self, answer: Answer) -> Rows:
        """The rows of an answer that has come."""
        self._tx = Transformer(self)
        self._set_results(answer)
        return self.fetchall()

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """The same statement for many values: behind what waits to be sent."""
        if self._conn.joining:
            self._conn.send_waiting()
        super().executemany(*args, **kwargs)

    def _execute_gen(self, query: Any, params: Any = None, **how: Any) -> PQGen[None]:
        goes_ahead = self._conn.joining or self._conn.begins
        together = goes_ahead and not self._conn._pipeline and not how.get("binary")
        if not together or (send := self._prepared(query, params, how.get("prepare"))) is None:
            yield from super()._execute_gen(query, params, **how)
            return
        self._set_results((yield from self._conn.send_together(send)))
        self._last_query = query

    def _prepared(self, query: Any, values: Any, prepare: bool | None = None) -> Send | None:
        """What sends a statement, if this connection has it prepared."""
        if self.closed:
            raise errors.InterfaceError("the cursor is closed")
        self._reset()
        self._tx = Transformer(self)
        converted = self._convert_query(query, values)
        prepared = self._conn._prepared
        how, name = prepared.get(converted, prepare)
        if how is not Prepare.YES:
            return None
        prepared.maybe_add_to_cache(converted, how, name)  # used just now: others go before it where there are too many
        return partial(self._send_query_prepared, name, converted)


def travel_together(engine: Engine) -> None:
    """Have statements of `engine` travel together."""

    def connect(_dialect: Any, _record: Any, args: Sequence[Any], named: dict[str, Any]) -> Connection:
        return Connection.connect(*args, **named)

    def execute(cursor: Any, statement: str, values: Any, context: Any) -> bool:
        later = context.execution_options.get("joins_next")
        return later is not None and cursor.join_next(statement, values, later)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "do_execute", execute)


def _together(connection: pq.abc.PGconn, sent: Sequence[Send]) -> PQGen[list[Answer]]:
    """Send some statements at once, and wait for all of the answers."""
    connection.enter_pipeline_mode()
    try:
        for send in sent:
            send()
        connection.pipeline_sync()
        yield from generators.send(connection)
        answers = []
        for _ in sent:
            answers.append((yield from generators.fetch_many(connection)))
        yield from generators.fetch_many(connection)  # the end of them
        return answers
    finally:
        with suppress(psycopg.Error):  # who was interrupted leaves a connection that nobody uses again
            connection.exit_pipeline_mode()
