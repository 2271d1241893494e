"""Signing in, as a form sends it."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from app.core.parsing import Schema


class Credentials(Schema):
    """An address and a password, exactly as typed."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=254, strip_whitespace=True)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    next: str = ""
