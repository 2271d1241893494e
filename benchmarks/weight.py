"""What a browser loads for the first page: how many requests, how many compressed bytes."""

from __future__ import annotations

import http.client
import re
from typing import Any

from app.local.chromium import on_path
from benchmarks.data import Organisation
from benchmarks.stack import Stack

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
_PARTS = re.compile(r'(?:<link rel="(?:stylesheet|icon)[^>]*href|<script[^>]*src|<use href)="([^"#]+)')
_KINDS = {"text/html": "html", "text/css": "css", "text/javascript": "js", "application/javascript": "js"}


def of_task_list(stack: Stack, acme: Organisation) -> dict[str, Any]:
    """What the list of tasks weighs."""
    return of_page(stack, acme, acme.tasks)


def of_page(stack: Stack, acme: Organisation, path: str) -> dict[str, Any]:
    """Bytes by kind as they come over the wire, bodies only, with an empty cache. Chromium where there is one."""
    url = f"{stack.address.url}{path}"
    chromium = on_path()
    parts = _in_chromium(stack, chromium, url, acme) if chromium else _by_parsing(stack, url, acme)
    sizes: dict[str, int] = {}
    for kind, size in parts:
        sizes[kind] = sizes.get(kind, 0) + size
    return {
        "seen_by": "Chromium" if chromium else "parsing the page",
        "requests": len(parts),
        "bytes": sum(sizes.values()),
        "html_css_js": sum(sizes.get(kind, 0) for kind in ("html", "css", "js")),
        "by_kind": sizes,
    }


def _in_chromium(stack: Stack, program: str, url: str, acme: Organisation) -> list[tuple[str, int]]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 only where there is a browser to drive

    found: list[tuple[str, int]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            context = browser.new_context()
            context.add_cookies([{"name": "sid", "value": acme.cookie, "url": stack.address.url}])
            page = context.new_page()
            page.on("requestfinished", lambda request: found.append(_measured(request)))
            page.goto(url, wait_until="networkidle")
        finally:
            browser.close()
    return found


def _measured(request: Any) -> tuple[str, int]:
    answer = request.response()
    return _kind(answer.headers.get("content-type", "")), request.sizes()["responseBodySize"]


def _by_parsing(stack: Stack, url: str, acme: Organisation) -> list[tuple[str, int]]:
    path = url.removeprefix(stack.address.url)
    kind, size, html = _get(stack, path, acme.as_person)
    parts = [_get(stack, each, {})[:2] for each in dict.fromkeys(_PARTS.findall(html))]
    return [(kind, size), *parts]


def _get(stack: Stack, path: str, headers: dict[str, str]) -> tuple[str, int, str]:
    """Kind and compressed size of what lies at `path`, and its text."""
    sizes, text = [], ""
    for coding in ("br", "identity"):
        connection = http.client.HTTPConnection("127.0.0.1", stack.address.port, timeout=10)
        connection.request("GET", path, headers={**headers, "Accept-Encoding": coding})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, f"{path}: {answer.status}"
        sizes.append(len(body))
        text = body.decode()
    return _kind(answer.headers.get_content_type()), sizes[0], text


def _kind(media_type: str) -> str:
    return _KINDS.get(media_type.partition(";")[0].strip(), "other")
