"""The settings of an organisation, as they come in and go out."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from babel.core import get_global
from babel.numbers import get_territory_currencies
from pydantic import AfterValidator, Field, StringConstraints

from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, Line, Unsent, Version, Whole
from app.schemas.locales import Locale, TimeZone


@cache
def currencies() -> tuple[str, ...]:
    """The codes of the currencies that are legal tender somewhere today (ISO 4217)."""
    tender = {code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)}
    return tuple(sorted(tender))


def _currency(code: str) -> str:
    if code not in currencies():
        raise ValueError(phrase("This must be the code of a currency in use, as EUR."))
    return code


def _in_order(days: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(days)))


Currency = Annotated[str, AfterValidator(_currency), StringConstraints(min_length=3, max_length=3)]
Weekday = Annotated[Whole, Field(ge=1, le=7)]  # Monday is 1, as in ISO 8601
Weekdays = Annotated[tuple[Weekday, ...], AfterValidator(_in_order), Field(min_length=1, max_length=7)]
IdleMinutes = Annotated[Whole, Field(ge=5, le=24 * 60)]
SessionHours = Annotated[Whole, Field(ge=1, le=30 * 24)]


class OrganisationChanges(Schema):
    """What may be changed of an organisation. `version` is the one that the person started from."""

    name: Line = Unsent
    locale: Locale = Unsent
    time_zone: TimeZone = Unsent
    working_days: Weekdays = Unsent
    currency: Currency = Unsent
    session_idle_minutes: IdleMinutes = Unsent
    session_hours: SessionHours = Unsent
    version: Version | None = None


class Closing(Schema):
    """Closing an organisation: its short name, typed once more."""

    slug: Line


class OrganisationOut(Schema):
    """An organisation in JSON."""

    id: Id
    slug: str
    name: str
    locale: str
    time_zone: str
    working_days: list[int]
    currency: str
    session_idle_minutes: int
    session_hours: int
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, organisation: Any) -> OrganisationOut:
        """The organisation as a row or a model has it."""
        return cls.model_validate(organisation, from_attributes=True)
