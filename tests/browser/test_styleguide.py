"""Every component in every state: axe finds nothing, it fits where it is shown, and it reads from either side."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.layout import WIDE, spoiled

# Of a line of a list, of a button, of a field and of a card.
HEIGHTS = """() => [".list tbody tr", "#atoms .button", "#fields .input", ".card"].map(
  (each) => document.querySelector(each).getBoundingClientRect().height)"""


@pytest.fixture
def library(visit):
    """Open the component library."""
    window = visit()

    def opened(query: str) -> Page:
        window.page.goto(f"{window.url}/styleguide?{query}")
        expect(window.page.locator("h1").first).to_be_visible()
        return window.page

    return opened


@pytest.fixture
def take_pictures(tmp_path: Path):
    """Keep pictures of a page from a wide screen, in light and dark, and from a phone."""

    def taken(page: Page) -> None:
        for name, width, scheme in (("wide", 1440, "light"), ("wide-dark", 1440, "dark"), ("phone", 360, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            picture = tmp_path / f"{name}.jpg"
            page.screenshot(path=picture, full_page=True, quality=60)
            assert picture.stat().st_size > 10_000

    return taken


@pytest.mark.parametrize("query", ["layout=page", "layout=page&dir=rtl", "layout=account&dir=rtl", "layout=bare"])
def test_the_component_library_can_be_used_by_everybody(library, take_pictures, query):
    page = library(query)
    take_pictures(page)
    assert page.locator("html").get_attribute("dir") == ("rtl" if "rtl" in query else "ltr")
    for pointing in page.locator(".icon--points").all():
        assert pointing.evaluate("e => getComputedStyle(e).scale") == ("-1 1" if "rtl" in query else "none")
    assert violations(page) == []
    assert spoiled(page) == []


def test_compact_lines_are_lower_but_never_for_a_finger(library, take_pictures):
    heights = {}
    for density in ("comfortable", "compact"):
        page = library(f"density={density}")
        page.set_viewport_size(WIDE)
        heights[density] = page.evaluate(HEIGHTS)
    take_pictures(page)  # of the other there are some: it is the first page above
    assert violations(page) == []
    assert spoiled(page) == []
    for at, (high, low) in enumerate(zip(*heights.values(), strict=True)):
        assert 24 <= low < high, f"{HEIGHTS} [{at}]"


def test_what_has_the_focus_is_seen(visit):
    """By a ring, in ordinary colours and in those that the system forces."""
    window = visit()
    window.page.goto(f"{window.url}/styleguide")
    button = window.page.locator("#atoms").get_by_role("button", name="Save").first
    for colours in ("none", "active"):
        window.page.emulate_media(forced_colors=colours)
        button.focus()
        window.page.keyboard.press("Shift+Tab")
        window.page.keyboard.press("Tab")
        expect(button).to_be_focused()
        assert button.evaluate("e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth") == "solid2px"
