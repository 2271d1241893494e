"""Signing in, as a form sends it."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from app.core.parsing import Schema
from app.schemas.fields import Address


class Credentials(Schema):
    """An address and a password, exactly as typed."""

    email: Address
    password: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    next: str = ""
