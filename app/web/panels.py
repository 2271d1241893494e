"""Panels: an ordinary page that stands beside others, asked for by the header `X-Panel: p1`, which names its place.

Every page can be one, and no view knows of it: layouts/document.html leaves the frame out, and the ids of the answer
are set apart from those of other panels. A workspace has its first panels rendered within the process, each of them
as a request of its own. Who asks, and what they may do, has been found out for the workspace, and is not asked again.
"""

from __future__ import annotations

import re
from contextvars import copy_context
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from flask import Flask, Response, current_app, request, session
from markupsafe import Markup, escape

from app.core.errors import NotFound
from app.core.transaction import end_reading
from app.web.actors import known_actor
from app.web.panel_markup import Lead, set_apart

HEADER = "X-Panel"
# In the environment of a request that the process makes of itself, which no client can set: the panel that it is for,
# and the session of the request that it serves, which has been read.
WITHIN, SESSION = "oversing.panel", "oversing.session"
MOST_REDIRECTS = 3
PLAIN = "/?=:,@-._~"  # what stands in the address of a workspace as it is: people read it

_NAME = re.compile(r"p[1-9][0-9]{0,2}")
_ROOT = re.compile(r'<section [^>]*\bdata-panel="')
_TITLE = re.compile(r'<section [^>]*\bdata-title="([^"]*)"')
# What a request within the process does not take over from the one that it serves.
_NOT_FOR_PANELS = (
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_",
    "HTTP_HX_",
    "HTTP_RANGE",
    "HTTP_X_TAB",
    "HTTP_X_PANEL",
    "CONTENT_",
    "werkzeug.",
    "flask.",
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its name in the document, and the page that it shows, as a path within the organisation.

    `ways` are the addresses that close and move it, and `lead` gives the one that shows another page in it: both where
    the whole workspace is known, for whoever has no script.
    """

    name: str
    path: str
    ways: dict[str, str] = field(default_factory=dict)
    lead: Lead | None = None

    @property
    def alone(self) -> str:
        """The address of the page by itself."""
        return base() + self.path


def init_app(app: Flask) -> None:
    """Let templates know whether they write a panel, and set apart what they wrote."""
    app.context_processor(lambda: {"panel": asked_for(), "beside": beside()})
    app.after_request(_set_apart)


def asked_for() -> Panel | None:
    """The panel that this request is for, or None where it is for a page of its own."""
    if is_within():
        within: Panel = request.environ[WITHIN]
        return within
    name = request.headers.get(HEADER, "")
    return Panel(name, _own_path()) if _NAME.fullmatch(name) else None


def beside() -> str | None:
    """The address of a workspace with the page that is being shown, or None for what cannot be asked for again."""
    path = _own_path()
    return f"{base()}w?p={quote(path, safe=PLAIN)}" if path else None


def is_within() -> bool:
    """Whether the process asks itself, on behalf of a request that was counted."""
    return WITHIN in request.environ


def page_target() -> str:
    """What a whole page takes the place of: the panel that asks, else the page that stands there."""
    panel = asked_for()
    return "#main" if panel is None else f"#{panel.name}-panel"


def rendered(panel: Panel) -> Markup:
    """The page that `panel` shows, or the words that it cannot be shown: as whoever asks may see it."""
    end_reading()  # a request needs one connection at a time, however many panels it renders
    return copy_context().run(_render, current_app._get_current_object(), panel, request.environ)  # type: ignore[attr-defined]


def title_of(shown: Markup) -> Markup:
    """What a rendered panel calls itself."""
    found = _TITLE.search(shown)
    return Markup(found[1]) if found else Markup("")  # noqa: S704 (a piece of escaped markup)


def bare_title(title: str) -> Markup:
    """The title of a page without the name of the organisation, which panels beside each other would all repeat."""
    actor, text = known_actor(), escape(title).strip()
    for place in ("Oversing", actor.tenant.name if actor else ""):
        text = text.removesuffix(Markup(" – ") + place)
    return text


def base() -> str:
    """Where the pages of the organisation begin of which this request is: "/o/acme/"."""
    return base_of(request.path)


def base_of(path: str) -> str:
    """The same of an address."""
    return "/".join(path.split("/")[:3]) + "/"


def _own_path() -> str:
    """The address of this request, within the organisation; "" for what cannot be asked for again."""
    if request.method not in ("GET", "HEAD") or not request.path.startswith(base()):
        return ""
    return request.full_path.rstrip("?").removeprefix(base())


def _set_apart(response: Response) -> Response:
    panel = asked_for()
    if panel is not None and response.mimetype == "text/html" and not response.is_streamed:
        response.set_data(set_apart(response.get_data(as_text=True), panel.name, panel.lead))
    return response


def _render(app: Flask, panel: Panel, outer: dict[str, Any]) -> Markup:
    """In a context of its own: what a request notes, as who is asking and where, ends with it."""
    path = panel.path
    for _each in range(MOST_REDIRECTS):
        with app.app_context(), app.request_context(_environment(outer, panel, path)):
            response = app.full_dispatch_request()
            if response.location:
                path = _within(response.location)
            elif _is_panel(response):
                return Markup(response.get_data(as_text=True))  # noqa: S704 (what our templates have escaped)
            else:
                break
    with app.app_context(), app.request_context(_environment(outer, panel, panel.path)):
        refused = app.finalize_request(app.handle_user_exception(NotFound()))
        return Markup(refused.get_data(as_text=True))  # noqa: S704 (as above)


def _is_panel(response: Response) -> bool:
    if response.mimetype != "text/html" or response.is_streamed:
        return False
    return _ROOT.search(response.get_data(as_text=True)) is not None


def _environment(outer: dict[str, Any], panel: Panel, path: str) -> dict[str, Any]:
    """A request for the page of a panel, by the same browser at the same moment."""
    page, _sign, query = path.partition("?")
    kept = {name: value for name, value in outer.items() if not name.startswith(_NOT_FOR_PANELS)}
    return kept | {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": base_of(outer["PATH_INFO"]) + unquote_to_bytes(page).decode("latin-1"),
        "QUERY_STRING": query.encode().decode("latin-1"),
        "wsgi.input": BytesIO(),
        WITHIN: panel,
        SESSION: session._get_current_object(),  # type: ignore[attr-defined]
    }


def _within(location: str) -> str:
    """The path of a redirect within the organisation; one that leads out of it leads nowhere."""
    parts = urlsplit(location)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return path.removeprefix(base()) if path.startswith(base()) else ".."
