"""API keys: how a program signs in. The secret is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned

PREFIX = "ovk_live_"  # what secret scanners look for
SHOWN = len(PREFIX) + 6  # of the secret, on pages and in logs


def hash_of(secret: str) -> bytes:
    """What is stored of a key: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


class ApiKey(TenantOwned, Model):
    """A key that acts for one person in one organisation, within its scopes and until it expires."""

    __tablename__ = "api_keys"
    kind = "api_key"
    audited = ("name", "prefix", "scopes", "expires_at", "revoked_at", "user_id")

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(100)))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def is_own(cls, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a key acts for a person."""
        return cls.user_id == person
