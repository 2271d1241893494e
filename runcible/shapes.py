"""The shape of a JSON object that somebody else wrote: exactly these names, each of these types."""

from collections.abc import Mapping
from typing import Any

Kinds = type | tuple[type, ...]

TEXT_OR_NONE = (str, type(None))


class ShapeInvalid(ValueError):
    """Another shape. The message names the part."""


def shaped(document: Any, what: str, shape: Mapping[str, Kinds]) -> dict[str, Any]:
    """Return `document` if it is an object with exactly the members of `shape`, each of its kind.

    A boolean is no integer here. Raises ShapeInvalid.
    """
    if type(document) is not dict or document.keys() != shape.keys():
        raise ShapeInvalid(f"{what} must have exactly: {', '.join(shape)}")
    for name, kinds in shape.items():
        if type(document[name]) not in (kinds if isinstance(kinds, tuple) else (kinds,)):
            raise ShapeInvalid(f"{name} of {what} is of another type")
    return document


def texts(listed: Any, what: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple. Raises ShapeInvalid."""
    if type(listed) is not list or not all(type(one) is str for one in listed):
        raise ShapeInvalid(f"{what} must be a list of texts")
    return tuple(listed)
