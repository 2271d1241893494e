"""Guesses are counted before they are looked at, in PostgreSQL: the counters outlive the loss of any cache.

Whoever goes on guessing has to wait longer each time: a minute, two, four, up to an hour. What people share who have
nothing to do with each other, such as the address of an office, has a steady wait of a minute. A count that cannot be
written is no guess that may be made: the error reaches the client as 503, and nothing is looked at.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.database import Base, db
from app.core.errors import RateLimited
from app.core.phrases import phrase

WINDOW = timedelta(minutes=1)
FORGIVEN_AFTER = timedelta(hours=1)
MOST_STRIKES = 6  # doublings of a minute: about an hour
NO_LIMIT = 10**9  # for what is only watched


sign_in_attempts = Table(
    "sign_in_attempts",
    Base.metadata,
    Column("subject_hash", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("window_ends_at", DateTime(timezone=True), nullable=False),
    Column("strikes", Integer, nullable=False, server_default="0"),
    info={"unrecorded": "a counter of guesses"},
)


def subject(text: str) -> bytes:
    """The name under which something is counted: nobody reads from the counters who has guessed at whom."""
    return hashlib.sha256(text.encode()).digest()


def network_name(ip_address: str | None) -> str:
    """An address, or for IPv6 the /64 that one customer has."""
    if ip_address is None:
        return "-"
    address = ipaddress.ip_address(ip_address)
    return str(ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False))


def count(limits: Mapping[bytes, int], steady: Collection[bytes] = ()) -> dict[bytes, int]:
    """Count one guess for each subject. Returns how many there were in the window.

    Raises RateLimited where a subject has had its limit; the command around it keeps the count all the same. The wait
    of a `steady` subject does not grow.
    """
    counted = db.session.execute(_count_up(limits, steady)).all()
    over = [row.window_ends_at for row in counted if row.failures > limits[bytes(row.subject_hash)]]
    if over:
        seconds = max(1, int((max(over) - clock.now()).total_seconds()) + 1)
        raise RateLimited(seconds, phrase("Too many tries. Wait %(value)s and try again.", value=_in_words(seconds)))
    return {bytes(row.subject_hash): row.failures for row in counted}


def forget(*subjects: bytes, give_back: Collection[bytes] = ()) -> None:
    """Forget the guesses of these subjects: the right answer was given. Others get the one guess back that was none.

    Rows are locked in the order in which they are counted, and by one statement: others wait for them.
    """
    row = sign_in_attempts.c
    locked = select(row.subject_hash).where(row.subject_hash.in_([*subjects, *give_back]))
    touched = locked.order_by(row.subject_hash).with_for_update().cte("touched")
    mine = row.subject_hash == touched.c.subject_hash
    gone = delete(sign_in_attempts).where(mine, row.subject_hash.in_(subjects)).cte("gone")
    fewer = update(sign_in_attempts).where(mine, row.subject_hash.in_(give_back)).add_cte(gone)
    db.session.execute(fewer.values(failures=func.greatest(row.failures - 1, 0)))


def give_back(subject_hash: bytes) -> None:
    """Take one guess back that was none."""
    forget(give_back=[subject_hash])


def _count_up(limits: Mapping[bytes, int], steady: Collection[bytes]) -> Any:
    """One more guess for each subject, in a fixed order. A window that is over starts anew, and old strikes are gone.

    The first guess too many makes the window longer; those during the wait do not.
    """
    now, row = clock.now(), sign_in_attempts.c
    over = row.window_ends_at <= now
    too_many = row.failures + 1 == case(dict(limits), value=row.subject_hash, else_=0) + 1
    strikes = case((row.window_ends_at <= now - FORGIVEN_AFTER, 0), else_=row.strikes)
    doublings = case((row.subject_hash.in_(steady), 0), else_=func.least(row.strikes, MOST_STRIKES))
    seconds = WINDOW.total_seconds() * func.power(2.0, doublings)
    wait = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return (
        insert(sign_in_attempts)
        .values([_first(subject_hash, now) for subject_hash in sorted(limits)])
        .on_conflict_do_update(
            index_elements=["subject_hash"],
            set_={
                "failures": case((over, 1), else_=row.failures + 1),
                "strikes": case((over, strikes), (too_many, row.strikes + 1), else_=row.strikes),
                "window_ends_at": case(
                    (over, now + WINDOW),
                    (too_many, literal(now, DateTime(timezone=True)) + wait),
                    else_=row.window_ends_at,
                ),
            },
        )
        .returning(row.subject_hash, row.failures, row.window_ends_at)
    )


def _first(subject_hash: bytes, now: datetime) -> dict[str, Any]:
    return {"subject_hash": subject_hash, "failures": 1, "window_ends_at": now + WINDOW}


def _in_words(seconds: int) -> str:
    return phrase("a minute") if seconds <= 61 else phrase("%(count)s minutes", count=-(-seconds // 60))
