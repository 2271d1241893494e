"""The three ways to answer: `show` a page or its fragment, be `done` with a change, give `data` to a program.

What a change has come to is `said`: by a toast where a script can show one, else by a notice on the page that follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, redirect, render_template, request

from app.core.errors import DomainError
from app.core.parsing import Schema
from app.web import panels
from app.web.languages import translated as _
from app.web.notices import notice_later, waiting_notices

VARY = "HX-Request-Type, HX-History-Restore-Request, X-Panel, Cookie, Accept-Language"


@dataclass(frozen=True, slots=True)
class Undo:
    """The form that takes a change back."""

    url: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence about what has just been done. `tone` is good, information, attention or danger."""

    text: str
    undo: Undo | None = None
    tone: str = "good"


def wants_fragment() -> bool:
    """Whether htmx asks for a part of the page. A history restore wants the whole, whatever else it says."""
    return request.headers.get("HX-Request-Type") == "partial" and "HX-History-Restore-Request" not in request.headers


def show(page: str, fragment: str | None = None, /, *, status: int = 200, **context: Any) -> Response:
    """A page, or only its `fragment` where htmx asked for that."""
    template = fragment if fragment and wants_fragment() else page
    said = [] if panels.is_within() else waiting_notices()  # what is to be said, the whole workspace says
    toasted = said if "HX-Request" in request.headers else []
    html = render_template(template, said=[] if toasted else said, **context)
    response = Response(html, status, mimetype="text/html")
    response.headers["Vary"] = VARY
    # A page that says something says it once: it must not come out of a cache again, with or without its header.
    response.headers["Cache-Control"] = "no-store" if said else "private, no-cache"
    return _toast(response, *toasted)


def private(page: str, fragment: str | None = None, /, *, status: int = 200, **context: Any) -> Response:
    """A page that nobody keeps, or a part of it: not the browser, and no service worker."""
    answer = show(page, fragment, status=status, **context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def asked_again(refusal: DomainError, page: str, /, **context: Any) -> Response:
    """The page of a form once more, with what was wrong in it, or why it has to wait."""
    errors = getattr(refusal, "fields", None) or {"_": refusal.message}
    answer = private(page, status=refusal.status, errors=errors, **context)
    answer.headers.update(refusal.headers)
    return answer


def done(fragment: str, /, *, to: str, said: Said, **context: Any) -> Response:
    """A change is made: the new fragment for htmx, and for a plain form the page that shows it."""
    if wants_fragment():
        return _toast(show(fragment, fragment, **context), asdict(said))
    return go_on(to, said)


def noted(said: Said, /, *, to: str) -> Response:
    """A change is made that the page shows by itself: htmx is only told, and a plain form goes to the page at `to`."""
    if not wants_fragment():
        return go_on(to, said)
    response = nothing()
    response.headers["Cache-Control"] = "no-store"
    return _toast(response, asdict(said))


def go_on(to: str, said: Said | None = None) -> Response:
    """A change is made: to the page that shows it (303), which says what was done."""
    if said is not None:
        notice_later(to, asdict(said))
    return redirect(to, HTTPStatus.SEE_OTHER)  # type: ignore[return-value]


def leave(to: str, said: Said) -> Response:
    """A change is made that changes all of the page, and what the person may do: to the whole page, for htmx too."""
    if "HX-Request" not in request.headers:
        return go_on(to, said)
    notice_later(to, asdict(said))
    return Response(headers={"HX-Redirect": to, "Cache-Control": "no-store"})


def refused(refusal: DomainError, fragment: str, /, **context: Any) -> Response:
    """A change made in place does not fit what the thing has become: how it stands now, and why not. For htmx only."""
    page = show(fragment, fragment, status=refusal.status, **context)
    page.headers["Cache-Control"] = "no-store"
    return _toast(page, asdict(Said(_(refusal.message), tone="danger")))


def data(
    value: Any,
    *,
    status: int = 200,
    meta: Mapping[str, Any] | None = None,
    links: Mapping[str, str | None] | None = None,
    location: str | None = None,
) -> Response:
    """JSON in the one form that the API answers in: `data`, `meta` and `links`."""
    body: dict[str, Any] = {"data": _plain(value), "meta": dict(meta or {}), "links": _links(links)}
    response = Response(orjson.dumps(body), status, content_type="application/json; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    if location is not None:
        response.headers["Location"] = location
    return response


def nothing() -> Response:
    """It is done, and there is nothing to say about it: no body, and so no type of one."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response


def _toast(response: Response, *said: Any) -> Response:
    """Have the script show what was said. A header holds ASCII only; JSON can say everything in it."""
    if said:
        response.headers["HX-Trigger"] = json.dumps({"toast": {"said": list(said)}})
    return response


def _links(links: Mapping[str, str | None] | None) -> dict[str, str | None]:
    return {"self": request.full_path.rstrip("?"), **(links or {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Schema):
        return value.model_dump(mode="json")
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return [_plain(item) for item in value]
    return value
