"""Rows of the trail, some at a time."""

from collections.abc import Iterator
from typing import Any

import psycopg

from runcible.storage.audit_chain import links_digest

AT_ONCE = 2000  # rows that are fetched at once

_LINKS = """
    SELECT sequence, event_id, event_created_at, hash, created_at FROM audit.audit_chain
    WHERE sequence > %s AND sequence <= %s ORDER BY sequence"""


def streamed(connection: psycopg.Connection[Any], name: str, query: str, values: Any = None) -> Iterator[Any]:
    """The rows of a query, fetched some at a time, so that memory does not grow with the trail."""
    with connection.cursor(name=name) as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(query.encode(), values)
        yield from cursor


def digest_of_links(connection: psycopg.Connection[Any], name: str, since: int, until: int) -> str:
    """The digest over the links after `since` up to `until` as they are now: what a head of them says in `links`."""
    return links_digest(streamed(connection, name, _LINKS, [since, until]))
