"""People, as they go out."""

from __future__ import annotations

from typing import Any

from app.core.parsing import Schema
from app.schemas.fields import Instant


class UserOut(Schema):
    """Somebody who works in the organisation, in JSON."""

    id: int
    name: str
    email: str
    status: str
    roles: tuple[str, ...]
    joined_at: Instant
    last_seen_at: Instant | None
    version: int

    @classmethod
    def of(cls, person: Any) -> UserOut:
        """The person as `queries.users` gives them."""
        told = {name: getattr(person, name) for name in cls.model_fields if name != "roles"}
        return cls.model_validate(told | {"roles": tuple(person.roles.split(", ")) if person.roles else ()})
