"""Organisations and their people, copied: what the product's own commands have made once is written down anew.

Thousands of tests want an organisation of their own, and all of these begin alike. So each worker lets the commands
found one of each name and let the cast into it, and looks at what they wrote (`learn`). What a test gets then are the
same rows with ids, keys and moments of their own, for a tenth of the time (`copy`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from app.core import clock, sealing, tenancy
from app.core.database import db
from app.core.ids import new_id
from tests import stage

Fill = Callable[["Copy"], str]  # what stands in one place of a copy

# The tables that hold rows of organisations, with the columns that are given. When something was written to the trail,
# and in which transaction, the database says by itself.
TABLES = """
    SELECT c.oid::regclass::text, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attidentity = '' AND a.attgenerated = ''
    AND NOT (c.oid = 'audit.audit_events'::regclass AND a.attname IN ('created_at', 'transaction_id'))
    GROUP BY c.oid
    HAVING 'application_instance_id' = ANY (array_agg(a.attname)) OR c.oid = 'application_instances'::regclass"""
OWN = {"id", "event_id"}  # columns with ids that a copy has for itself
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
PLACE = re.compile("\ue000(\\d+)\ue001")


class Copy:
    """One organisation that is being written down: its ids by those of the one that it is a copy of, and its keys."""

    def __init__(self, ids: dict[str, str], tenant_id: UUID, slug: str) -> None:
        self.ids, self.tenant_id, self.slug = ids, tenant_id, slug
        self.now = clock.now()
        self.keys: dict[str, sealing.RecordKey] = {}

    def id(self, there: str) -> str:
        """The id that stands here for one there, within a longer name too: "policy:0199..."."""
        return ID.sub(lambda found: self.ids.get(found[0], found[0]), there)

    def key(self, subject: str) -> sealing.RecordKey:
        """The key of a record, made when it is first asked for."""
        if subject not in self.keys:
            self.keys[subject] = sealing.RecordKey(self.tenant_id, subject, os.urandom(32))
        return self.keys[subject]


class Original:
    """The rows that one command has written, as a text with places that every copy fills in for itself."""

    def __init__(self, rows: list[tuple[str, dict[str, Any]]], tenant_id: UUID, slug: str, tables: dict[str, str]):
        self.own = sorted(
            {row[name] for _table, row in rows for name in OWN & row.keys() if ID.fullmatch(str(row[name]))}
        )
        self.tables = [table for table in tables if table in dict(rows)]
        self._tenant_id, self._slug = tenant_id, slug
        self._latest = max(map(datetime.fromisoformat, MOMENT.findall(json.dumps(rows))))
        self._subjects = [row["subject"] for table, row in rows if table == "record_keys"]
        self._fills: list[Fill] = []
        with tenancy.entered(db.session, tenant_id):
            self._keys = sealing.known_keys(tenant_id, self._subjects)
        told = {table: [self._row(*each) for each in rows if each[0] == table] for table in self.tables}
        self._pieces = PLACE.split(json.dumps(told, ensure_ascii=False))
        written = ", ".join(
            f"w{n} AS (INSERT INTO {table} ({tables[table]})"
            f" SELECT {tables[table]} FROM told, jsonb_populate_recordset(NULL::{table}, told.rows -> '{table}'))"
            for n, table in enumerate(self.tables)
        )
        self.statement = f"WITH told AS MATERIALIZED (SELECT %s::jsonb AS rows), {written} SELECT"

    def text(self, copy: Copy) -> str:
        """All rows of a copy."""
        pieces = self._pieces[:]
        pieces[1::2] = [json.dumps(self._fills[int(place)](copy))[1:-1] for place in pieces[1::2]]
        return "".join(pieces)

    def _row(self, table: str, row: dict[str, Any]) -> Any:
        if table == "application_instance_keys":
            return self._value(row) | {"wrapped_key": self._place(_tenant_key)}
        if table == "record_keys":
            subject = row["subject"]
            return self._value(row) | {"wrapped_key": self._place(lambda copy: _record_key(copy, copy.id(subject)))}
        if table == "audit.audit_events":
            return self._value(row) | {"after_state": self._state(row["entity_id"], row["after_state"] or {})}
        return self._value(row)

    def _state(self, entity_id: str, state: dict[str, Any]) -> Any:
        """What the trail says of a thing: what is sealed there is sealed anew."""
        subject = next(each for each in self._subjects if each.endswith(f":{entity_id}"))
        return {
            name: {"sealed": self._sealed(subject, f"audit_events.{name}", value["sealed"])}
            if isinstance(value, dict) and "sealed" in value
            else self._value(value)
            for name, value in state.items()
        }

    def _sealed(self, subject: str, place: str, token: str) -> str:
        text = self._keys[subject].open(place, token)
        assert text is not None
        return self._place(lambda copy: copy.key(copy.id(subject)).seal(place, text))

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if value == self._slug:
            return self._place(lambda copy: copy.slug)
        if isinstance(value, str) and MOMENT.fullmatch(value):
            before = self._latest - datetime.fromisoformat(value)
            return self._place(lambda copy: (copy.now - before).isoformat())
        if isinstance(value, str) and ID.search(value):
            return self._place(lambda copy: copy.id(value))
        return value

    def _place(self, fill: Fill) -> str:
        self._fills.append(fill)
        return f"\ue000{len(self._fills) - 1}\ue001"


def _tenant_key(copy: Copy) -> str:
    """The wrapped key of an organisation. As after any founding, this process knows the key itself."""
    key = sealing._master.tenants[copy.tenant_id] = os.urandom(32)
    return _bytes(aes_key_wrap(sealing._master.required(), key))


def _record_key(copy: Copy, subject: str) -> str:
    material = copy.key(subject).material
    assert material is not None
    return _bytes(aes_key_wrap(sealing._master.tenants[copy.tenant_id], material))


def _bytes(value: bytes) -> str:
    return f"\\x{value.hex()}"


class Copyist:
    """What has been looked at in one database, and what was copied from it."""

    def __init__(self, database: str) -> None:
        self.database = database
        self._connection = stage.superuser(database)
        # What stands in the rows is known to be right: no key is looked up. The guards of the trail look at it even so.
        self._connection.execute("SET session_replication_role = replica")
        found = self._connection.execute(TABLES).fetchall()
        self._tables = {table: ", ".join(columns) for table, columns in found}
        self._seen: set[str] = set()
        self._originals: dict[tuple[str, ...], Original] = {}
        self._ids: dict[UUID, tuple[str, dict[str, str]]] = {}  # of each copy: the name it has, and its ids

    def learn(self, what: tuple[str, ...], tenant_id: UUID, slug: str) -> None:
        """Look at all rows of an organisation that are new since last time: this is what `what` writes."""
        rows = []
        for table in self._tables:
            mine = "id" if table == "application_instances" else "application_instance_id"
            query = f"SELECT to_jsonb(x)::text FROM {table} AS x WHERE {mine} = %s ORDER BY x.ctid"
            for (row,) in self._connection.execute(query, [tenant_id]):  # type: ignore[arg-type]
                if row not in self._seen:
                    self._seen.add(row)
                    rows.append((table, json.loads(row)))
        self._originals[what] = Original(rows, tenant_id, slug, self._tables)

    def found(self, name: str, slug: str) -> dict[UUID, UUID] | None:
        """Write a new organisation of this name: its ids by those of the first, or None where none was looked at."""
        original = self._originals.get((name,))
        if original is None:
            return None
        ids = {there: str(new_id()) for there in original.own}
        copy = Copy(ids, UUID(ids[str(original._tenant_id)]), slug)
        self._write(original, copy)
        self._ids[copy.tenant_id] = (name, ids)
        return {UUID(there): UUID(here) for there, here in ids.items()}

    def let_in(self, tenant_id: UUID, person: str) -> bool:
        """Let a person of the cast into a copy. Returns whether it was done: not where they have been there before."""
        name, ids = self._ids.get(tenant_id, ("", {}))
        original = self._originals.get((name, person))
        if original is None:
            return False
        try:
            self._write(original, Copy(ids | {there: str(new_id()) for there in original.own}, tenant_id, ""))
        except psycopg.errors.UniqueViolation:
            return False
        return True

    def _write(self, original: Original, copy: Copy) -> None:
        self._connection.execute(original.statement, [original.text(copy)], prepare=True)  # type: ignore[arg-type]
