"""Organisations and their people, copied: what the product's own commands have made once is written down anew.

Thousands of tests want an organisation of their own, and all of these begin alike. So each worker lets the commands
found one of each name and let the cast into it, and looks at what they wrote (`learn`). What a test gets then are the
same rows, the accounts of the people among them, with ids, keys, addresses and moments of their own, for a tenth of
the time (`copy`).
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

Row = tuple[str, dict[str, Any]]  # a table, and what stands in its columns
Fill = Callable[["Copy"], str | int]  # what stands in one place of a copy

# The tables that hold rows of organisations, and the accounts of their people, with the columns that are given. When
# something was written to the trail, and in which transaction, the database says by itself.
TABLES = """
    SELECT c.oid::regclass::text, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attidentity <> 'a' AND a.attgenerated = ''
    AND NOT (c.oid = 'audit.audit_events'::regclass AND a.attname IN ('created_at', 'transaction_id'))
    GROUP BY c.oid
    HAVING 'application_instance_id' = ANY (array_agg(a.attname))
    OR c.oid IN ('application_instances'::regclass, 'users'::regclass)"""
# Where the rows of an organisation are not known by the column that has this name everywhere else.
MINE = {
    "application_instances": "id = %s",
    "users": "user_id IN (SELECT user_id FROM application_instance_users WHERE application_instance_id = %s)",
}
OWN = {"id", "event_id"}  # columns with ids that a copy has for itself
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=\buser:)\d+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
PLACE = re.compile('"\ue000(\\d+)\ue001"')


class Copy:
    """One organisation that is being written down, or somebody in it: ids and words by those of the original."""

    def __init__(self, ids: dict[str, str], tenant_id: UUID, words: dict[str, str]) -> None:
        self.ids, self.tenant_id, self.words = ids, tenant_id, words
        self.now = clock.now()
        self.keys: dict[str, sealing.RecordKey] = {}

    def id(self, there: str) -> str:
        """The id that stands here for one there, within a longer name too: "policy:0199...", "user:7"."""
        return ID.sub(lambda found: self.ids.get(found[0], found[0]), there)

    def text(self, there: str) -> str:
        """What is said here where the original says `there`: with the names of here."""
        for word, here in self.words.items():
            there = there.replace(word, here)
        return there

    def key(self, subject: str) -> sealing.RecordKey:
        """The key of a record, made when it is first asked for."""
        if subject not in self.keys:
            self.keys[subject] = sealing.RecordKey(self.tenant_id, subject, os.urandom(32))
        return self.keys[subject]


class Original:
    """The rows that one command has written, as a text with places that every copy fills in for itself."""

    def __init__(self, rows: list[Row], tenant_id: UUID, words: tuple[str, ...], tables: dict[str, str]) -> None:
        self.own = sorted(
            {row[name] for _table, row in rows for name in OWN & row.keys() if ID.fullmatch(str(row[name]))}
        )
        self.people = [str(row["user_id"]) for table, row in rows if table == "users"]
        self.tables = [table for table in tables if table in dict(rows)]
        self.tenant_id, self.words = tenant_id, words
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
        pieces[1::2] = [json.dumps(self._fills[int(place)](copy)) for place in pieces[1::2]]
        return "".join(pieces)

    def _row(self, table: str, row: dict[str, Any]) -> Any:
        if table == "application_instance_keys":
            return self._value(row) | {"wrapped_key": self._place(_tenant_key)}
        if table == "record_keys":
            subject = row["subject"]
            return self._value(row) | {"wrapped_key": self._place(lambda copy: _record_key(copy, copy.id(subject)))}
        if table == "audit.audit_events":
            subject = next(each for each in self._subjects if each.endswith(f":{row['entity_id']}"))
            return self._value(row) | {
                "entity_id": self._place(lambda copy: copy.id(subject).partition(":")[2]),
                "after_state": self._state(subject, row["after_state"] or {}),
            }
        return self._value(row)

    def _state(self, subject: str, state: dict[str, Any]) -> Any:
        """What the trail says of a thing: what is sealed there is sealed anew."""
        return self._value(state) | {
            name: {"sealed": self._sealed(subject, f"audit_events.{name}", value["sealed"])}
            for name, value in state.items()
            if isinstance(value, dict) and "sealed" in value
        }

    def _sealed(self, subject: str, place: str, token: str) -> str:
        text = self._keys[subject].open(place, token)
        assert text is not None
        return self._place(lambda copy: copy.key(copy.id(subject)).seal(place, copy.text(text)))

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: self._user_id(each) if name.endswith("user_id") and each is not None else self._value(each)
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, str) and any(word in value for word in self.words):
            return self._place(lambda copy: copy.text(value))
        if isinstance(value, str) and MOMENT.fullmatch(value):
            before = self._latest - datetime.fromisoformat(value)
            return self._place(lambda copy: (copy.now - before).isoformat())
        if isinstance(value, str) and ID.search(value):
            return self._place(lambda copy: copy.id(value))
        return value

    def _user_id(self, there: int) -> str:
        return self._place(lambda copy: int(copy.ids.get(str(there), there)))

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
        self._originals: dict[tuple[str | None, ...], Original] = {}
        self._copies: dict[UUID, tuple[str, str, dict[str, str]]] = {}  # by id: their name, slug and ids
        self._user_ids: list[int] = []  # which nobody has yet

    def learn(self, what: tuple[str | None, ...], tenant_id: UUID, *words: str) -> None:
        """Look at all rows of an organisation that are new since last time: this is what `what` writes.

        Of these `words`, the slug and perhaps how somebody is called, every copy has its own.
        """
        rows = []
        for table in self._tables:
            mine = MINE.get(table, "application_instance_id = %s")
            query = f"SELECT to_jsonb(x)::text FROM {table} AS x WHERE {mine} ORDER BY x.ctid"
            for (row,) in self._connection.execute(query, [tenant_id]):  # type: ignore[arg-type]
                if row not in self._seen:
                    self._seen.add(row)
                    rows.append((table, json.loads(row)))
        self._originals[what] = Original(rows, tenant_id, words, self._tables)

    def found(self, name: str, slug: str) -> dict[str, str] | None:
        """Write a new organisation of this name: its ids by those of the first, or None where none was looked at."""
        original = self._originals.get((name,))
        if original is None:
            return None
        ids = self._new_ids(original)
        tenant_id = UUID(ids[str(original.tenant_id)])
        self._write(original, ids, tenant_id, slug)
        self._copies[tenant_id] = (name, slug, ids)
        return ids

    def let_in(self, tenant_id: UUID, role: str | None, address: str, called: str) -> bool:
        """Let somebody with a role into a copy. Returns whether it was done: not where they have been there before."""
        name, slug, ids = self._copies.get(tenant_id, ("", "", {}))
        original = self._originals.get((name, role))
        if original is None:
            return False
        try:
            self._write(original, ids | self._new_ids(original), tenant_id, slug, address, called)
        except psycopg.errors.UniqueViolation:
            return False
        return True

    def _new_ids(self, original: Original) -> dict[str, str]:
        ids = {there: str(new_id()) for there in original.own}
        return ids | {there: str(self._new_user_id()) for there in original.people}

    def _new_user_id(self) -> int:
        if not self._user_ids:
            many = "SELECT nextval(pg_get_serial_sequence('users', 'user_id')) FROM generate_series(1, 100)"
            self._user_ids = [user_id for (user_id,) in self._connection.execute(many)]
        return self._user_ids.pop(0)  # who came later has the higher one

    def _write(self, original: Original, ids: dict[str, str], tenant_id: UUID, *words: str) -> None:
        copy = Copy(ids, tenant_id, dict(zip(original.words, words, strict=True)))
        self._connection.execute(original.statement, [original.text(copy)], prepare=True)  # type: ignore[arg-type]
