"""API keys, as pages and programs ask for them and see them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from app.core import clock
from app.core.errors import Invalid
from app.core.parsing import Schema, parse
from app.schemas.fields import Id, Instant, Lines, ShortLine, Whole
from app.schemas.tenants import NewApiKey

Hours = Annotated[Whole, Field(ge=0, le=7 * 24)]
Lasts = Literal["30", "90", "365", "date", "never"]


class ApiKeyForm(Schema):
    """The form for a new key: everything that one may or what was ticked, and for how long."""

    name: ShortLine
    reach: Literal["everything", "chosen"] = "chosen"
    lasts: Lasts = "90"
    ends_on: date | None = None
    networks: Lines = ""

    def wanted(self, user_id: int, scopes: list[str]) -> NewApiKey:
        """The key that is wanted for this person, with the scopes that were ticked. Raises Invalid."""
        if self.reach == "chosen" and not scopes:
            raise Invalid({"scopes": "Choose at least one thing that the key may do."})
        if self.lasts == "date" and self.ends_on is None:
            raise Invalid({"ends_on": "Say on which day the key ends."})
        given = {
            "user_id": user_id,
            "name": self.name,
            "scopes": ("*",) if self.reach == "everything" else tuple(scopes),
            "expires_at": self._end(),
            "networks": tuple(self.networks.replace(",", " ").split()),
        }
        return parse(NewApiKey, given)

    def _end(self) -> datetime | None:
        if self.lasts == "never":
            return None
        if self.ends_on is not None and self.lasts == "date":  # the day itself is included
            return datetime.combine(self.ends_on, time(), UTC) + timedelta(days=1)
        return clock.now() + timedelta(days=int(self.lasts))


class Rotation(Schema):
    """For how many hours the old secret is good beside the new one."""

    overlap_hours: Hours = 24


class ApiKeyOut(Schema):
    """A key in JSON. Its secret is in the answer to a rotation, and nowhere else."""

    id: Id
    name: str
    prefix: str
    user_id: int
    scopes: list[str]
    networks: list[str]
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None
    last_used_network: str | None
    replaces_id: Id | None
    created_at: Instant

    @classmethod
    def of(cls, key: Any) -> ApiKeyOut:
        """The key as a row or a model has it."""
        return cls.model_validate(key, from_attributes=True)


class NewSecretOut(ApiKeyOut):
    """A key with its secret, this once."""

    secret: str
