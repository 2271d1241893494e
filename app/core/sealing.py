"""Sealing: personal fields and certified content are kept under keys that can be destroyed.

A master key, kept outside the database, wraps one key per organisation; that wraps one key per record. A value is
AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, bound to its place by the associated data, and written as
``v1.<nonce>.<ciphertext>`` in base64url. Erasing destroys the key of a record: its values can then be read by nobody,
in no backup of the rows, while hashes and signatures over the sealed text keep verifying.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, any_, bindparam, delete, func, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.core import clock
from app.core.database import Base, db, rows_of
from app.core.tenancy import NOBODY
from app.core.transaction import current_unit, required_unit

_UNRECORDED = {"unrecorded": "keys are made and destroyed by operations that record themselves"}

tenant_keys = Table(
    "application_instance_keys",
    Base.metadata,
    Column("application_instance_id", PG_UUID, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    info=_UNRECORDED,
)

record_keys = Table(
    "record_keys",
    Base.metadata,
    Column("application_instance_id", PG_UUID, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("wrapped_key", LargeBinary),
    Column("erased_at", DateTime(timezone=True)),
    info=_UNRECORDED,
)


class SealBroken(Exception):
    """A sealed value or key does not open: it was altered or moved from its place, or the master key is another one."""


class Erased(Exception):
    """The key of this record was destroyed; what it sealed is gone for good."""


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The key of one record. `material` is None once it was erased."""

    tenant_id: UUID
    subject: str
    material: bytes | None

    def seal(self, place: str, text: str) -> str:
        """`text` sealed for `place`, a name as "table.column". Raises Erased."""
        nonce = os.urandom(12)
        sealed = self._cipher().encrypt(nonce, text.encode(), self._bound_to(place))
        return f"v1.{_encode(nonce)}.{_encode(sealed)}"

    def seal_or_drop(self, place: str, text: str) -> str | None:
        """As `seal`, or None once the key was erased: what can't be sealed any more isn't kept at all."""
        return None if self.material is None else self.seal(place, text)

    def open(self, place: str, token: str | None) -> str | None:
        """What was sealed; None where nothing was kept, or once the key was erased. Raises SealBroken."""
        if self.material is None or token is None:
            return None
        try:
            version, nonce, sealed = token.split(".")
            if version != "v1":
                raise SealBroken(place)
            return self._cipher().decrypt(_decode(nonce), _decode(sealed), self._bound_to(place)).decode()
        except (ValueError, InvalidTag) as broken:
            raise SealBroken(place) from broken

    def seal_bytes(self, place: str, content: bytes) -> bytes:
        """`content` sealed for `place`, as bytes: the nonce, and what AES-GCM makes of it. Raises Erased."""
        nonce = os.urandom(12)
        return nonce + self._cipher().encrypt(nonce, content, self._bound_to(place))

    def open_bytes(self, place: str, sealed: bytes) -> bytes:
        """What `seal_bytes` has sealed. Raises SealBroken, and Erased."""
        try:
            return self._cipher().decrypt(sealed[:12], sealed[12:], self._bound_to(place))
        except InvalidTag as broken:
            raise SealBroken(place) from broken

    def _cipher(self) -> AESGCM:
        if self.material is None:
            raise Erased(self.subject)
        return AESGCM(self.material)

    def _bound_to(self, place: str) -> bytes:
        return f"{place}|{self.subject}|{self.tenant_id}".encode()


class _Master:
    """The key that wraps all others, and the organisation keys it has unwrapped in this process."""

    key: bytes | None = None
    tenants: dict[UUID, bytes]

    def __init__(self) -> None:
        self.tenants = {}

    def required(self) -> bytes:
        if self.key is None:
            raise RuntimeError("No sealing key: set SEALING_KEY_FILE to a file that `flask keys create` has made.")
        return self.key


_master = _Master()


def configure(master_key: bytes) -> None:
    """Use `master_key`, 32 bytes, from now on. Raises ValueError for any other length."""
    if len(master_key) != 32:
        raise ValueError("The sealing key must have 32 bytes.")
    if master_key != _master.key:
        _master.key = master_key
        _master.tenants.clear()


def create_tenant_key(tenant_id: UUID) -> None:
    """Make the key of a new organisation."""
    wrapped = aes_key_wrap(_master.required(), os.urandom(32))
    db.session.execute(insert(tenant_keys).values(application_instance_id=tenant_id, wrapped_key=wrapped))


def destroy_tenant_key(tenant_id: UUID) -> None:
    """Destroy the key of an organisation as the command ends, and with it every key of its records. Twice is once.

    What the command itself did is sealed before. Processes that have used the key forget it when they end; by then
    nobody enters the organisation any more.
    """

    def destroy() -> None:
        db.session.execute(delete(tenant_keys).where(tenant_keys.c.application_instance_id == tenant_id))
        _master.tenants.pop(tenant_id, None)

    required_unit().last_acts.append(destroy)


def create_loose_key(subject: str) -> tuple[RecordKey, bytes]:
    """A key for something that belongs to no organisation, and how to keep it: wrapped by the master key."""
    material = os.urandom(32)
    return RecordKey(NOBODY, subject, material), aes_key_wrap(_master.required(), material)


def open_loose_key(subject: str, wrapped: bytes) -> RecordKey:
    """A key that `create_loose_key` has made. Raises SealBroken."""
    return RecordKey(NOBODY, subject, _open_key(_master.required(), wrapped))


def derived_key(subject: str) -> RecordKey:
    """A key for what is kept in no row, a cookie for one: from the master key by HKDF (RFC 5869), alike everywhere."""
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"oversing|{subject}".encode())
    return RecordKey(NOBODY, subject, derive.derive(_master.required()))


def keys(tenant_id: UUID, subjects: Iterable[str]) -> dict[str, RecordKey]:
    """The keys of these records, made where there are none yet. One query, but where two make the same at once."""
    wanted = list(dict.fromkeys(subjects))
    known = _known_here()
    found = {subject: known[tenant_id, subject] for subject in wanted if (tenant_id, subject) in known}
    for look in (_load_or_make, _load):  # the second: somebody else has made them in the same moment
        if missing := [subject for subject in wanted if subject not in found]:
            found |= look(tenant_id, missing)
    known |= {(tenant_id, subject): each for subject, each in found.items()}
    return found


def _known_here() -> dict[tuple[UUID, str], RecordKey]:
    """The keys that the running command has used so far. They last as long as its transaction, which has one end."""
    unit = current_unit()
    return {} if unit is None else unit.keys


def known_keys(tenant_id: UUID, subjects: Iterable[str]) -> dict[str, RecordKey]:
    """Those of the keys that there are: for who only reads. One query, or none where nothing is asked for."""
    wanted = list(dict.fromkeys(subjects))
    return _load(tenant_id, wanted) if wanted else {}


def key(tenant_id: UUID, subject: str) -> RecordKey:
    """The key of one record, made if there is none yet."""
    return keys(tenant_id, [subject])[subject]


def erase(tenant_id: UUID, subject: str) -> None:
    """Destroy the key of a record. Nothing that it sealed can be read again. Erasing twice is erasing once.

    A record that has no key yet is given none later either.
    """
    _known_here().pop((tenant_id, subject), None)
    gone = {"wrapped_key": None, "erased_at": clock.now()}
    db.session.execute(
        insert(record_keys)
        .values(application_instance_id=tenant_id, subject=subject, **gone)
        .on_conflict_do_update(
            index_elements=["application_instance_id", "subject"],
            set_=gone,
            where=record_keys.c.erased_at.is_(None),
        )
    )


_LOAD = select(record_keys.c.subject, record_keys.c.wrapped_key).where(
    record_keys.c.application_instance_id == bindparam("tenant"),
    record_keys.c.subject == any_(bindparam("subjects", type_=ARRAY(Text))),
)
_MADE = (
    insert(record_keys)
    .from_select(
        ["application_instance_id", "subject", "wrapped_key"],
        select(
            bindparam("tenant", type_=PG_UUID),
            func.unnest(bindparam("subjects", type_=ARRAY(Text))),
            func.unnest(bindparam("wrapped", type_=ARRAY(LargeBinary))),
        ),
    )
    .on_conflict_do_nothing()
    .returning(record_keys.c.subject, record_keys.c.wrapped_key)
    .cte("made")
)
# What the statement itself makes it does not find in the table: each key is told once.
_LOAD_OR_MAKE = union_all(select(_MADE.c.subject, _MADE.c.wrapped_key), _LOAD)


def _load_or_make(tenant_id: UUID, subjects: list[str]) -> dict[str, RecordKey]:
    """The keys that there are, and new ones for the others: without those that somebody else is making just now."""
    parent = _tenant_key(tenant_id)
    fresh = [aes_key_wrap(parent, os.urandom(32)) for _subject in subjects]
    given = {"tenant": tenant_id, "subjects": subjects, "wrapped": fresh}
    return _opened(tenant_id, rows_of(db.session, _LOAD_OR_MAKE, given))


def _load(tenant_id: UUID, subjects: list[str]) -> dict[str, RecordKey]:
    return _opened(tenant_id, rows_of(db.session, _LOAD, {"tenant": tenant_id, "subjects": subjects}))


def _opened(tenant_id: UUID, rows: Iterable[Any]) -> dict[str, RecordKey]:
    return {row.subject: RecordKey(tenant_id, row.subject, _unwrap(tenant_id, row.wrapped_key)) for row in rows}


def _unwrap(tenant_id: UUID, wrapped: bytes | None) -> bytes | None:
    return None if wrapped is None else _open_key(_tenant_key(tenant_id), wrapped)


def _tenant_key(tenant_id: UUID) -> bytes:
    if tenant_id not in _master.tenants:
        wrapped = db.session.scalar(
            select(tenant_keys.c.wrapped_key).where(tenant_keys.c.application_instance_id == tenant_id)
        )
        if wrapped is None:
            raise RuntimeError(f"The organisation {tenant_id} has no key.")
        _master.tenants[tenant_id] = _open_key(_master.required(), wrapped)
    return _master.tenants[tenant_id]


def _open_key(parent: bytes, wrapped: bytes) -> bytes:
    try:
        return aes_key_unwrap(parent, wrapped)
    except InvalidUnwrap as broken:
        raise SealBroken("A key does not open: is SEALING_KEY_FILE that of this database?") from broken


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Raises ValueError for anything but the one way in which `_encode` writes these bytes."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(data) != text:
        raise ValueError("not as we write it")
    return data
