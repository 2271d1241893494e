"""Sparse fieldsets: a client that needs three fields gets three (`?fields=id,name`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import InvalidParameter
from app.core.parsing import Schema
from app.core.phrases import phrase


def with_fields(parameters: Mapping[str, str], schema: type[Schema], rows: Sequence[Schema]) -> list[dict[str, Any]]:
    """The rows as JSON values, cut down to the `fields` that were asked for. Raises InvalidParameter for others."""
    wanted = {name.strip() for name in parameters.get("fields", "").split(",") if name.strip()}
    unknown = wanted - schema.model_fields.keys()
    if unknown:
        raise InvalidParameter(
            {"fields": phrase("There are no such fields: %(value)s.", value=", ".join(sorted(unknown)))}
        )
    return [row.model_dump(mode="json", include=wanted or None) for row in rows]
