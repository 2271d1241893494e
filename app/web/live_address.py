"""Where a page opens its socket: at /live of its own site, or at the address of the live process itself."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from flask import current_app, g, request

from app.config import Settings
from app.core import clock

LOOPBACK = ("localhost", "127.0.0.1")  # a Content-Security-Policy has no name for [::1]
BEFORE = 2.0  # seconds by which the clocks of this server and of the stream may differ


def of_text(kind: str, row_id: UUID) -> str:
    """The address at which the text of a task or program is written together: beneath that of pages."""
    parts = urlsplit(of_page())
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/texts/{kind}/{row_id}"))


def of_page() -> str:
    """The address for the page that is being shown, in the organisation it is of; in none for those of an account.

    On a developer's machine the host is the one that the browser used: its cookie is for no other.
    """
    told = current_app.config["SETTINGS"].live_url
    if told:
        parts = urlsplit(told)
        if parts.hostname in LOOPBACK and parts.port:
            parts = parts._replace(netloc=f"{request.host.rpartition(':')[0] or request.host}:{parts.port}")
    else:
        parts = urlsplit(f"{'wss' if request.is_secure else 'ws'}://{request.host}/live")
    slug = g.get("slug")
    return urlunsplit(parts._replace(query=urlencode({"at": slug}) if slug else ""))


def since() -> dict[str, str]:
    """The header by which a script learns from which place in the stream its page has to be told what changes.

    A header, and no part of the page: a page of which nothing has changed is not sent again.
    """
    working = time.perf_counter() - g.get("began", time.perf_counter())
    began = clock.now().timestamp() - working - BEFORE
    return {"Server-Timing": f'since;desc="{int(began * 1000)}"'}


def origins(settings: Settings) -> tuple[str, ...]:
    """The origins to which pages may open sockets, beside their own."""
    scheme = urlsplit(settings.live_url).scheme or ("wss" if settings.https else "ws")
    return tuple(f"{scheme}://{host}" for host in hosts(settings) or (settings.host,))


def hosts(settings: Settings) -> tuple[str, ...]:
    """The hosts of the live process, where it is reached by another one than the pages."""
    parts = urlsplit(settings.live_url)
    if not settings.live_url:
        return ()
    return tuple(f"{name}:{parts.port}" for name in LOOPBACK) if parts.hostname in LOOPBACK else (parts.netloc,)
