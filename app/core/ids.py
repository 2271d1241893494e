"""Identifiers: UUIDv7 where the time of making may show, UUIDv4 where it may not (RFC 9562)."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identifier that sorts by the time it was made."""
    return uuid7()


def new_secret_id() -> UUID:
    """A new identifier that tells nothing, not even when it was made."""
    return uuid4()


def new_token() -> str:
    """256 random bits for a session, a key or a ticket, safe in a URL."""
    return secrets.token_urlsafe(32)
