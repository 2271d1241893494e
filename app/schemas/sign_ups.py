"""Signing up, as a form sends it."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.accounts import NewPassword
from app.schemas.fields import Line
from app.schemas.tenants import Email


def suggested_slug(name: str) -> str:
    """A short name made of a long one: "Müller & Söhne" is muller-sohne. Empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")


def _no_link(text: str) -> str:
    """A mail repeats names to whoever has the address: it must carry nobody's advertisement."""
    if "//" in text or "www." in text.lower():
        raise ValueError(phrase("Write a name, not the address of a page."))
    return text


Name = Annotated[Line, AfterValidator(_no_link)]


class NewSignUp(Schema):
    """The organisation that somebody wants, and who they are. Without a short name one is made of the name."""

    name: Name
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] | None = None
    owner_name: Name
    owner_email: Email
    owner_password: NewPassword
