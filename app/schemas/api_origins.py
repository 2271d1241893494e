"""Which pages may call the API: their origins, as browsers send them."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from app.core.parsing import Schema
from app.core.phrases import phrase

_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


def _origins(given: object) -> object:
    """Several lines of a form, each as a browser sends it: no path, no capital, no port that goes without saying."""
    lines = given.split() if isinstance(given, str) else given
    return tuple(dict.fromkeys(map(_origin, lines))) if isinstance(lines, list | tuple) else lines


def _origin(text: object) -> str:
    wrong = ValueError(phrase("Write each as https://shop.example or https://shop.example:8443: no path, and no *."))
    if not isinstance(text, str):
        raise wrong
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        raise wrong from None
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "https" or not bare or not _HOST.fullmatch(parts.hostname or "") or port == 0:
        raise wrong
    return f"https://{parts.hostname}" + (f":{port}" if port not in (None, 443) else "")


class ApiOrigins(Schema):
    """The pages that may call the API with keys of the organisation. None: no page of anybody else."""

    origins: Annotated[tuple[str, ...], BeforeValidator(_origins), Field(max_length=50)] = ()
