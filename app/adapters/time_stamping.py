"""The time-stamping authority: the one that TSA_URL names, else the built-in one."""

from __future__ import annotations

from collections.abc import Callable

from app.core import clock
from runcible.certification.keys import KeyRing
from runcible.certification.timestamp_client import http_ask

Ask = Callable[[bytes], bytes]

_url: list[str] = []


def configure(tsa_url: str) -> None:
    """Ask the authority at `tsa_url` from now on; an empty one means the built-in."""
    _url[:] = [tsa_url] if tsa_url else []


def authority(ring: KeyRing) -> Ask:
    """How to put an RFC 3161 request and get the answer, both DER."""
    if _url:
        return http_ask(_url[0])
    return lambda request: ring.tsa.answer(request, at=clock.now())
