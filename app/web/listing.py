"""A page of a list, as templates and the API tell it: links that keep the filters, and the paging facts of the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from app.core.paging import Cursor, Page
from app.web.responses import data

PLACES = ("cursor", "first", "last")  # the parameters that say which page it is
_NO_FILTERS = ("cursor", "limit", "fields")


def page_context(page: Page[Any]) -> dict[str, Any]:
    """A page as a template shows it. `url` leads back to it; at `chunk_url` it is found again, whatever comes before or
    after it.
    """
    links = _links(page)
    return {
        "rows": page.rows,
        "filters": page.filters,
        "url": _address(**{name: request.args[name] for name in ("cursor",) if name in request.args}),
        "next_url": links["next"],
        "prev_url": links["prev"],
        "is_chunk": "last" in request.args,
        "chunk": request.args.get("last") or str(page.last or "none"),
        "chunk_url": _chunk_address(page),
    }


def one_page(page: Page[Any], rows: Sequence[Any], given: Mapping[str, str]) -> Response:
    """A page of a list in JSON: `rows` are those of `page` as they go out, `given` the parameters of the address."""
    pagination = {
        "per_page": page.size,
        "count": len(rows),
        "next_cursor": str(page.next) if page.next else None,
        "prev_cursor": str(page.prev) if page.prev else None,
    }
    filters = {name: value for name, value in given.items() if name not in _NO_FILTERS}
    return data(rows, meta={"pagination": pagination, "filters": filters}, links=_links(page))


def whole_list(rows: Sequence[Any]) -> Response:
    """A list that is short enough to come at once, in the same form."""
    return one_page(Page(rows=list(rows), size=len(rows)), rows, {})


def _links(page: Page[Any]) -> dict[str, str | None]:
    """The addresses of the neighbouring pages. From a page that has run empty one way leads on: to the first."""
    if not page.rows and "cursor" in request.args:
        return {"next": None, "prev": _address()}
    return {"next": _address_at(page.next), "prev": _address_at(page.prev)}


def _chunk_address(page: Page[Any]) -> str:
    if "last" in request.args:
        return request.full_path
    return _address(**{name: str(each) for name, each in (("first", page.first), ("last", page.last)) if each})


def _address_at(cursor: Cursor | None) -> str | None:
    return None if cursor is None else _address(cursor=str(cursor))


def _address(**changed: str) -> str:
    kept = {name: value for name, value in request.args.items() if name not in PLACES and value}
    parameters = urlencode(kept | changed)
    return f"{request.path}?{parameters}" if parameters else request.path
