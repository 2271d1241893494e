"""The sign-up that a token opens."""

from __future__ import annotations

from app.core import clock
from app.core.database import db
from app.models.invitations import hash_of
from app.models.sign_ups import SignUp


def find_sign_up(token: str, *, lock: bool = False) -> SignUp | None:
    """What waits for this token, or None once it was used or has run out."""
    found = db.session.get(SignUp, hash_of(token), with_for_update=lock or None)
    return found if found is not None and clock.now() < found.expires_at else None
