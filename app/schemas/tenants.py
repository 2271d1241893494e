"""New organisations, their people and their keys, as the command line asks for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.core.roles import OWN_SCOPES, PERMISSIONS
from app.schemas.accounts import NewPassword
from app.schemas.fields import Address, Line, Networks, PersonId, ShortLine


def _email(text: str) -> str:
    name, at, domain = text.partition("@")
    if not ((name and at and "." in domain.strip(".")) or domain == "localhost") or any(c.isspace() for c in text):
        raise ValueError(phrase("This is not an e-mail address."))
    return text


def _scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [scope for scope in scopes if scope not in PERMISSIONS and scope not in OWN_SCOPES and scope != "*"]
    if unknown:
        raise ValueError(phrase("No such scope: %(value)s.", value=", ".join(unknown)))
    return tuple(dict.fromkeys(scopes))


Email = Annotated[Address, AfterValidator(_email)]  # kept as whoever signs in by it gives it


class NewTenant(Schema):
    """An organisation and its first owner."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    name: Line
    owner_email: Email
    owner_name: Line
    owner_password: NewPassword


class NewMember(Schema):
    """A person who joins an organisation, with one role or none yet."""

    email: Email
    name: Line
    password: NewPassword
    role: ShortLine | None = None


class GivenPassword(Schema):
    """Another password, as an operator sets it for somebody."""

    password: NewPassword


class NewApiKey(Schema):
    """A key for a program that acts for a person. Without an end it lasts until it is revoked."""

    user_id: PersonId
    name: ShortLine
    scopes: Annotated[tuple[str, ...], AfterValidator(_scopes)] = ("*",)
    expires_at: AwareDatetime | None = None
    networks: Networks = ()
