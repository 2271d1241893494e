"""What people say of themselves, and how they want to have dates and times written."""

from __future__ import annotations

from app.core.parsing import Schema
from app.schemas.fields import Line, Unsent, Version
from app.schemas.locales import Locale, TimeZone


class ProfileChanges(Schema):
    """What somebody may change of their own profile; a zone or locale of None is that of the organisation.

    `is_shown` says whether others see on which page they are, `is_compact` whether lines stand close together.
    `version` is the one that they started from.
    """

    name: Line = Unsent
    time_zone: TimeZone | None = None
    locale: Locale | None = None
    is_shown: bool = Unsent
    is_compact: bool = Unsent
    version: Version | None = None


class UserChanges(Schema):
    """What somebody else may change of a person: what everybody sees."""

    name: Line = Unsent
    version: Version | None = None
