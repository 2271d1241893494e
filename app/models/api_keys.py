"""API keys: how a program signs in. The secret is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, TenantOwned
from app.core.phrases import phrase

PREFIX = "ovk_live_"  # what secret scanners look for
SHOWN = len(PREFIX) + 6  # of the secret, on pages and in logs


def hash_of(secret: str) -> bytes:
    """What is stored of a key: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


class ApiKey(TenantOwned, Model):
    """A key that acts for one person in one organisation, within its scopes and until it expires."""

    __tablename__ = "api_keys"
    kind = "api_key"
    audited = ("name", "prefix", "scopes", "networks", "expires_at", "revoked_at", "user_id", "replaces_id")
    refusals = {"api_keys_are_replaced_once": ("overlap_hours", phrase("This key has been rotated already."))}

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(100)))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    networks: Mapped[list[str]] = mapped_column(ARRAY(String(43)), default=list)  # none: it may be used from anywhere
    last_used_at: Mapped[datetime | None]
    last_used_network: Mapped[str | None] = mapped_column(String(43))
    replaces_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def is_own(cls, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a key acts for a person."""
        return cls.user_id == person


def may_be_used_from(networks: list[str], address: str | None) -> bool:
    """Whether a key that is bound to `networks`, or to none, may be used from an address."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)
