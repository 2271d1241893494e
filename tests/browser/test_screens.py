"""A phone, a wide screen, a page made twice as large, colours that the system sets: everything fits and can be hit."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import PAGES, STATES
from tests.browser.windows import heading

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SCREENS = {
    "a phone": PHONE,
    "a wide screen": {"viewport": {"width": 1440, "height": 900}},
    "a wide screen in the dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "a page at 200 %": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
    "a page at 400 %": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
    "colours of the system": {"viewport": {"width": 1440, "height": 900}, "forced_colors": "active"},
}
MAIN_PAGES = {
    **PAGES,
    **{
        f"a certification that is {state}": f"/certifications/{{0.certifications[{state}]}}?refresh=off"
        for state in STATES
    },
}

# What sticks out of the page at its side, and which two things that one can press lie on top of each other.
SPOILED = """() => {
  const wide = document.documentElement.clientWidth, whole = document.scrollingElement.scrollWidth;
  const name = (e) => `${e.tagName.toLowerCase()} "${e.innerText?.slice(0, 30) ?? ""}"`;
  const found = whole > wide ? [`the page scrolls sideways to ${whole}`] : [];

  const shown = [...document.querySelectorAll("body *")].filter((e) =>
    e.checkVisibility({visibilityProperty: true}) && !e.closest(".visually-hidden, .skip, .toasts"));
  const isCut = (e) => e.closest("caption, thead, pre, .breadcrumb a, .clip, .brand__name, svg");
  for (const e of shown) {
    const box = e.getBoundingClientRect();
    if (box.width && !isCut(e) && (box.right > wide + 1 || box.left < -1)) found.push(`${name(e)} sticks out`);
  }

  const floats = (e) => e && (/fixed|sticky/.test(getComputedStyle(e).position) || floats(e.parentElement));
  const controls = shown.filter((e) => e.matches("a, button, input, select, textarea, summary") && !floats(e));
  const boxes = controls.flatMap((e) => [...e.getClientRects()].map((box) => [e, box]));
  const length = (from, to, a, b) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  for (const [i, [e, box]] of boxes.entries()) for (const [other, its] of boxes.slice(i + 1)) {
    const apart = length("left", "right", box, its) <= 1 || length("top", "bottom", box, its) <= 1;
    if (!apart && !e.contains(other) && !other.contains(e)) found.push(`${name(e)} overlaps ${name(other)}`);
  }
  return found;
}"""

# What is too small for a finger: whether a square of 44 pixels around its middle belongs to it. Links in a sentence are
# as large as the sentence lets them be (WCAG 2.5.8).
TOO_SMALL = """() => {
  const found = [];
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")) {
    const inSentence = e.matches("a:not(.button, .list__link)") && e.closest("p, dd, li, td, .sheet__text") &&
      !e.closest("nav");
    if (!e.checkVisibility() || e.closest(".visually-hidden, .skip") || inSentence) continue;
    e.scrollIntoView({block: "center", behavior: "instant"});
    const target = e.closest("label") ?? e, box = target.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const missed = [[0, -21], [0, 21], [-21, 0], [21, 0]].filter(
      ([right, down]) => !target.contains(document.elementFromPoint(x + right, y + down)));
    const size = `${Math.round(box.width)} x ${Math.round(box.height)}`;
    if (missed.length) found.push(`${e.tagName} "${target.innerText.slice(0, 40)}" of ${size}`);
  }
  return found;
}"""


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_every_page_fits(visit, scene, screen):
    window = visit(scene.alice, **screen)
    for name, path in MAIN_PAGES.items():
        page = window.go(path.format(scene))
        spoiled = page.evaluate(SPOILED)
        assert spoiled == [], name


def test_a_finger_hits_everything_on_a_phone(visit, scene):
    window = visit(scene.alice, **PHONE)
    missed = {}
    for name, path in MAIN_PAGES.items():
        page = window.go(path.format(scene))
        assert page.evaluate("matchMedia('(pointer: coarse)').matches")
        if found := page.evaluate(TOO_SMALL):
            missed[name] = found
    assert missed == {}


def test_the_navigation_of_a_phone_is_within_reach_and_leads_everywhere(visit, scene):
    page = visit(scene.alice, **PHONE).go("/tasks")
    for name in ("Programs", "Certifications", "Policies", "Trash", "Tasks"):
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name=name)
        expect(link).to_be_in_viewport()
        link.tap()
        expect(heading(page)).to_have_text(name)
        expect(link).to_have_attribute("aria-current", "page")


def test_signing_in_fits_on_a_phone(visit):
    window = visit(**PHONE)
    window.page.goto(f"{window.url}/sign-in")
    assert window.page.evaluate(SPOILED) == []
    assert window.page.evaluate(TOO_SMALL) == []


def test_states_are_told_apart_without_colours(visit, scene):
    page: Page = visit(scene.alice, forced_colors="active").go("/certifications")
    for row in page.locator("tbody tr").all():
        mark = row.locator(".mark")
        assert mark.inner_text().strip()
        assert mark.locator("svg").count() == 1
