"""Changes of one's own account, as forms send them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from app.core import passwords
from app.core.parsing import Schema
from app.schemas.fields import ShortLine


def _not_too_long(password: str) -> str:
    if len(password.encode()) > passwords.MAX_LENGTH:
        raise ValueError(f"This may have at most {passwords.MAX_LENGTH:,} bytes.")
    return password


Given = Annotated[str, StringConstraints(min_length=1, max_length=4096)]  # a password as typed, right or wrong
NewPassword = Annotated[str, StringConstraints(min_length=passwords.MIN_LENGTH), AfterValidator(_not_too_long)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Answer = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]  # of an authenticator, as JSON


class PasswordChange(Schema):
    """The old password and the new one, exactly as typed."""

    old_password: Given
    new_password: NewPassword
    end_others: bool = False


class GivenCode(Schema):
    """A code of an app, or a recovery code."""

    code: Code


class NewPasskey(Schema):
    """What the browser answered to being asked for a new passkey, and how its owner calls it."""

    name: ShortLine
    answer: Answer


class PasskeyName(Schema):
    """Another name for a passkey."""

    name: ShortLine


class PasskeyAnswer(Schema):
    """What the browser answered to being asked for a passkey."""

    answer: Answer
    next: str = ""
