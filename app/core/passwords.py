"""Passwords: argon2id, and never on the event loop of a web worker (OWASP ASVS 5.0, 6.2 and 11.4)."""

from __future__ import annotations

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent.lock import BoundedSemaphore

from app.core.threads import beside_the_loop

MAX_LENGTH = 1024  # bytes; a longer "password" is an attack on the hash function
MIN_LENGTH = 12

_hasher = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)
_at_once = BoundedSemaphore(2)  # each takes 46 MiB and a core
_nobody: list[str] = []


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, with its salt and parameters, as the PHC string format has it."""
    return beside_the_loop(lambda: _hasher.hash(password), _at_once)


def matches(password: str, hashed: str | None) -> bool:
    """Whether `password` is the one behind `hashed`. Takes as long for nobody (None) as for somebody."""
    if len(password.encode()) > MAX_LENGTH:
        return False
    return beside_the_loop(lambda: _verify(password, hashed or _hash_of_nobody()), _at_once) and hashed is not None


def needs_rehash(hashed: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def mark_of(hashed: str | None) -> str:
    """A short name for a hash: whoever has been let in by a password is let in by this one, and by no later one."""
    return hashlib.sha256((hashed or "").encode()).hexdigest()[:32]


def _verify(password: str, hashed: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _hash_of_nobody() -> str:
    if not _nobody:
        _nobody.append(_hasher.hash("nobody has this password"))
    return _nobody[0]
