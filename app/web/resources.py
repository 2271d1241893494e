"""One resource in JSON, with the tag of its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from app.core.parsing import Schema
from app.web.fieldsets import with_fields
from app.web.parsing import version_tag
from app.web.responses import data


def one_resource(
    out: Schema, *, given: Mapping[str, str] | None = None, status: int = 200, location: str | None = None
) -> Response:
    """A resource as it goes out, cut down to the `fields` of the address that `given` holds. It has a `version`."""
    shown: dict[str, Any] = with_fields(given or {}, type(out), [out])[0]
    response = data(shown, status=status, location=location)
    response.headers["ETag"] = version_tag(out.version)  # type: ignore[attr-defined]
    return response
