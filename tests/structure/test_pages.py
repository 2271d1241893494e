"""Every page as it reaches a browser: ids once each, nothing inline, forms that go to our own addresses."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import HTTPException

from app.core.database import fresh_session
from tests.security.world import ACCESS, World

SHOWN = ("GET /o/", "GET /account")
NO_PAGES = ("/bundle", "/content", "/picture/<uuid:avatar_id>", "/card", "/row")  # these stand on pages alone
PAGES = [name for name in ACCESS if name.startswith(SHOWN) and not name.endswith(NO_PAGES)] + ["GET /sign-in"]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and what was left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        """Every value that an attribute has on the page."""
        return [attributes[name] or "" for _tag, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module", params=PAGES)
def page(request, world: World) -> Page:
    """Each page, as somebody sees it who may do everything."""
    with world.app.app_context(), fresh_session():
        answer = world.send(world.route(request.param), None if "/sign-in" in request.param else "alice", world.things)
    assert answer.status_code in (200, 302, 303)
    found = Page(answer.text)
    assert answer.status_code in (302, 303) or found.open == [], "something is left open"
    return found


def test_an_id_stands_once_on_a_page(page: Page):
    ids = page.values("id")
    assert sorted({each for each in ids if ids.count(each) > 1}) == []
    assert "" not in ids


def test_what_points_to_an_id_points_to_one_that_is_there(page: Page):
    ids = set(page.values("id"))
    for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
        assert {each for value in page.values(name) for each in value.split()} <= ids, name


def test_nothing_stands_inline_that_the_policy_would_refuse(page: Page):
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "style"
        assert tag != "script" or "src" in attributes
        assert not (attributes.get("href") or "").lower().startswith("javascript:"), tag


def test_a_form_goes_to_an_address_of_ours_that_takes_it(page: Page, web_app):
    adapter = web_app.url_map.bind("localhost")
    forms = [attributes for tag, attributes in page.elements if tag == "form"]
    for form in forms:
        method = (form.get("method") or "get").upper()
        assert method in ("GET", "POST")
        if form.get("action"):
            assert_served(adapter, form["action"], method)


def test_a_link_leads_somewhere(page: Page, web_app):
    adapter = web_app.url_map.bind("localhost")
    for href in page.values("href"):
        if href.startswith("/") and not href.startswith("/static/"):
            assert_served(adapter, href, "GET")
        else:
            assert href.startswith(("/static/", "#", "https://", "mailto:", "?")), href


@pytest.mark.parametrize("name", PAGES)
def test_somebody_who_may_only_look_gets_pages_with_ids_once_each_too(app, world: World, name):
    """Other branches of the same templates, and the pages of refusals."""
    ids = Page(world.send(world.route(name), "carol", world.things).text).values("id")
    assert len(ids) == len(set(ids))


def assert_served(adapter, address: str | None, method: str) -> None:
    path = urlsplit(address or "").path
    try:
        adapter.match(path, method=method)
    except HTTPException as missing:
        raise AssertionError(f"{method} {path}: {missing}") from None
