"""Setting a password anew, as forms send it."""

from __future__ import annotations

from app.core.parsing import Schema
from app.schemas.accounts import NewPassword
from app.schemas.fields import Address


class ResetWish(Schema):
    """Whose password is forgotten."""

    email: Address


class Reset(Schema):
    """The new password. The secret out of the mail is in a cookie, not in the form."""

    new_password: NewPassword
