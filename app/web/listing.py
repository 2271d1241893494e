"""A page of a list, as templates and the API tell it: links that keep the filters, and the paging facts of the seed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request

from app.core.paging import Cursor, Page


def page_links(page: Page[Any]) -> dict[str, str | None]:
    """The addresses of the neighbouring pages, None where there are none."""
    return {"next": _link(page.next), "prev": _link(page.prev)}


def page_context(page: Page[Any]) -> dict[str, Any]:
    """A page as a template shows it."""
    links = page_links(page)
    return {"rows": page.rows, "filters": page.filters, "next_url": links["next"], "prev_url": links["prev"]}


def page_meta(page: Page[Any]) -> dict[str, Any]:
    """The `meta` of a list in JSON: its paging and its filters."""
    return {
        "pagination": {
            "per_page": page.size,
            "count": len(page.rows),
            "next_cursor": str(page.next) if page.next else None,
            "prev_cursor": str(page.prev) if page.prev else None,
        },
        "filters": {name: str(value) for name, value in page.filters.items()},
    }


def _link(cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    return f"{request.path}?{urlencode({**kept, 'cursor': str(cursor)})}"
