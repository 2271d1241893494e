"""People, as they go out."""

from __future__ import annotations

from typing import Any

from app.core.parsing import Schema


class UserOut(Schema):
    """Somebody who works in the organisation, in JSON."""

    id: int
    name: str
    email: str

    @classmethod
    def of(cls, person: Any) -> UserOut:
        """The person as `queries.users` gives them."""
        return cls.model_validate(person, from_attributes=True)
