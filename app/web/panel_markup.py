"""Our own markup, set apart: every id in it gets a name in front, and so does whatever refers to one.

It is well-formed, and what people wrote in it is escaped: a regular expression finds its tags for certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from zlib import crc32

Lead = Callable[[str], str | None]

# A start tag and its attributes; a sign of the tag's end within quotes is passed over.
_TAG = re.compile(r"""<([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""")
_ATTRIBUTE = re.compile(r"""(\s)([^\s=>"'/]+)=("[^"]*"|'[^']*')""")
_ID = re.compile(r'\sid="([^"]*)"')
_LABEL = re.compile(r'\saria-label="([^"]*)"')
_LABELLED_BY = re.compile(r'\saria-labelledby="([^"]*)"')
_HREF = re.compile(r'\shref="([^"]*)"')
_NAMED = re.compile(r"#([A-Za-z][\w-]*)")

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_LANDMARKS = frozenset({"aside", "form", "nav", "section"})
_IDS = frozenset({
    "id", "for", "list", "form", "headers", "popovertarget", "commandfor", "aria-activedescendant", "aria-controls",
    "aria-describedby", "aria-details", "aria-errormessage", "aria-flowto", "aria-labelledby", "aria-owns", "data-copy",
})  # fmt: skip
_SELECTORS = frozenset({
    "hx-boost", "hx-disable", "hx-include", "hx-indicator", "hx-select", "hx-select-oob", "hx-swap-oob", "hx-sync",
    "hx-target",
})  # fmt: skip


def set_apart(html: str, name: str, lead: Lead | None = None) -> str:
    """The markup with `name-` before each id, and headings one level lower: what stands beside it has one above.

    `lead` gives another address to a link, which keeps its own beside it.
    """

    def tag(found: re.Match[str]) -> str:
        kind, attributes = found[1], found[2]
        if kind in _HEADINGS:
            attributes += f' aria-level="{int(kind[1]) + 1}"'
        elif kind in _LANDMARKS:
            attributes = _told_apart(attributes)
        if "=" not in attributes:
            return found[0]
        named = _ATTRIBUTE.sub(lambda each: _named(each, name), attributes)
        if kind == "a":
            named = _led(named, name, lead)
        return f"<{kind}{named}>"

    return _TAG.sub(tag, html)


def _told_apart(attributes: str) -> str:
    """The attributes of a landmark: it is called as in its page and as its panel, as others have one of its name."""
    if ' id="panel"' in attributes:  # the panel itself
        return attributes
    if by := _LABELLED_BY.search(attributes):
        return attributes.replace(by[0], f' aria-labelledby="{by[1]} panel-title"', 1)
    if not (label := _LABEL.search(attributes)):
        return attributes
    own = _ID.search(attributes)
    name = own[1] if own else f"landmark-{crc32(label[1].encode())}"
    given = attributes if own else f'{attributes} id="{name}"'
    return f'{given} aria-labelledby="{name} panel-title"'


def _named(found: re.Match[str], name: str) -> str:
    space, attribute, quoted = found.groups()
    if attribute in _IDS:
        ids = " ".join(f"{name}-{each}" for each in quoted[1:-1].split())
        return f"{space}{attribute}={quoted[0]}{ids}{quoted[0]}"
    if attribute.partition(":")[0] in _SELECTORS:
        selector = _NAMED.sub(lambda each: f"#{name}-{each[1]}", quoted)
        return f"{space}{attribute}={selector}"
    return found[0]


def _led(attributes: str, name: str, lead: Lead | None) -> str:
    """The attributes of a link: the place in a page that it names has its name there too, if the page is ours."""
    found = _HREF.search(attributes)
    if found is None or not found[1].startswith(("/", "#")):
        return attributes
    page, sign, place = found[1].partition("#")
    place = f"#{name}-{place}" if sign and place else ""
    leaves = 'hx-boost="false"' in attributes or " download" in attributes
    led = lead(page) if lead and page and not leaves else None
    href = f' href="{page}{place}"' if led is None else f' href="{led}{place}" data-href="{page}{place}"'
    return attributes.replace(found[0], href, 1)
