"""What somebody shows after the password: the codes of an authenticator app (RFC 6238), or a recovery code."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, sealing
from app.core.database import Model

_PLACE = "totp_secrets.sealed_secret"
TO_CONFIRM = timedelta(minutes=15)


class TotpSecret(Model):
    """The secret that one authenticator app shares with us. It counts once a code has confirmed it."""

    __tablename__ = "totp_secrets"
    __table_args__ = {"info": {"unrecorded": "adding and removing it, and each use, record themselves"}}

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    wrapped_key: Mapped[bytes]
    sealed_secret: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)  # the time step of the newest code that counted
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @classmethod
    def sealed(cls, user_id: int, secret: str) -> TotpSecret:
        """A secret that waits to be confirmed, under a key of its own: no organisation can read it."""
        key, wrapped = sealing.create_loose_key(f"totp:{user_id}")
        return cls(user_id=user_id, wrapped_key=wrapped, sealed_secret=key.seal(_PLACE, secret))

    def opened(self) -> str:
        """The secret itself, as base32. Raises SealBroken."""
        opened = sealing.open_loose_key(f"totp:{self.user_id}", self.wrapped_key).open(_PLACE, self.sealed_secret)
        assert opened is not None
        return opened


class RecoveryCode(Model):
    """One code for the day on which the app is lost: 120 random bits, of which the SHA-256 is kept."""

    __tablename__ = "recovery_codes"
    __table_args__ = {"info": {"unrecorded": "making them, and each use, record themselves"}}

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
