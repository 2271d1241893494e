"""API keys, as pages and programs ask for them and see them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from app.core import clock
from app.core.parsing import Schema, parse
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, Networks, ShortLine, Whole
from app.schemas.tenants import NewApiKey

Hours = Annotated[Whole, Field(ge=0, le=7 * 24)]
A_DAY, LONGEST = timedelta(days=1), timedelta(days=3653)
Lasts = Literal["30", "90", "365", "date", "never"]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split()) if isinstance(text, str) else text


class ApiKeyForm(Schema):
    """The form for a new key: everything that one may or what was ticked, and for how long."""

    name: ShortLine
    reach: Literal["everything", "chosen"] = "chosen"
    scopes: Annotated[tuple[str, ...], Field(validate_default=True)] = ()
    lasts: Lasts = "90"
    ends_on: Annotated[date | None, Field(validate_default=True)] = None
    networks: Annotated[Networks, BeforeValidator(_lines)] = ()

    @field_validator("scopes")
    @classmethod
    def _something(cls, scopes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("reach") == "chosen" and not scopes:
            raise ValueError(phrase("Choose at least one thing that the key may do."))
        return scopes

    @field_validator("ends_on")
    @classmethod
    def _a_day_to_come(cls, day: date | None, info: ValidationInfo) -> date | None:
        if info.data.get("lasts") != "date":
            return None
        if day is None:
            raise ValueError(phrase("Say on which day the key ends."))
        earliest = clock.now().date() - A_DAY  # somewhere it is that day still: who makes the key looks at its end
        if not earliest <= day <= earliest + LONGEST:
            raise ValueError(
                phrase("This is in the past.") if day < earliest else phrase("This is more than ten years away.")
            )
        return day

    def wanted(self, user_id: int, zone: tzinfo) -> NewApiKey:
        """The key that is wanted for this person, who lives in `zone`. Raises Invalid."""
        given = {
            "user_id": user_id,
            "name": self.name,
            "scopes": ("*",) if self.reach == "everything" else self.scopes,
            "expires_at": self._end(zone),
            "networks": self.networks,
        }
        return parse(NewApiKey, given)

    def _end(self, zone: tzinfo) -> datetime | None:
        if self.lasts == "never":
            return None
        if self.ends_on is not None:  # the day itself is included
            return datetime.combine(self.ends_on + A_DAY, time(), zone).astimezone(UTC)
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
