"""The three ways to answer: `show` a page or its fragment, be `done` with a change, give `data` to a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, redirect, render_template, request

from app.core.parsing import Schema

VARY = "HX-Request-Type, HX-History-Restore-Request, Cookie"


def wants_fragment() -> bool:
    """Whether htmx asks for a part of the page. A history restore wants the whole, whatever else it says."""
    return request.headers.get("HX-Request-Type") == "partial" and "HX-History-Restore-Request" not in request.headers


def show(page: str, fragment: str | None = None, /, *, status: int = 200, **context: Any) -> Response:
    """A page, or only its `fragment` where htmx asked for that."""
    template = fragment if fragment and wants_fragment() else page
    response = Response(render_template(template, **context), status, mimetype="text/html")
    response.headers["Vary"] = VARY
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def done(fragment: str, /, *, to: str, **context: Any) -> Response:
    """A change is made: the new fragment for htmx, and for a plain form the page that shows it (303)."""
    if wants_fragment():
        return show(fragment, fragment, **context)
    return redirect(to, HTTPStatus.SEE_OTHER)  # type: ignore[return-value]


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


def _links(links: Mapping[str, str | None] | None) -> dict[str, str | None]:
    return {"self": request.full_path.rstrip("?"), **(links or {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Schema):
        return value.model_dump(mode="json")
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return [_plain(item) for item in value]
    return value
