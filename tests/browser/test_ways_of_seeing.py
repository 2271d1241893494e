"""Real pages as some people have them: from the right, much larger, without motion, in the colours of the system."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.layout import SPOILED
from tests.browser.test_keyboard import IS_SEEN
from tests.factories import a_program, a_task

BOARD = "/programs/{0.program}/board"
WORKSPACE = "/w?p=programs/{0.program}/board&p=tasks/{0.task}&p=programs/{0.program}"
PATHS = ("/tasks", "/tasks/{0.task}", "/tasks/new", BOARD, WORKSPACE, "/roles", "/audit", "/people/{0.alice.user_id}")
WIDTHS = (
    1440,
    640,
    320,
)  # of these the second is a window of 1280 at 200 %, the third one at 400 % (WCAG 1.4.4, 1.4.10)

# Words that end at the edge of a box which neither scrolls nor says with an ellipsis that there is more.
CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const s = getComputedStyle(e), own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const hides = /hidden|clip/.test(s.overflowX) && s.textOverflow !== "ellipsis" && e.clientWidth > 4;
  const isMore = e.scrollWidth > e.clientWidth + 1;
  return own && hides && isMore && e.checkVisibility() && !e.closest(".visually-hidden, .skip");
}).map((e) => `${e.tagName} "${e.innerText.slice(0, 40)}" is cut off`)"""

# What would move by itself, or would take its time to change.
MOVING = """() => [...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"].map((part) => {
  const s = getComputedStyle(e, part || null), longest = (told) => Math.max(...told.split(",").map(parseFloat));
  const plays = s.animationName !== "none" && longest(s.animationDuration) > 0.001;
  const moves = plays || longest(s.transitionDuration) > 0.001;
  return moves || s.scrollBehavior === "smooth" ? `${e.tagName}.${e.className}${part}` : "";
})).filter(Boolean).concat(document.getAnimations().filter((each) => each.effect.getComputedTiming().activeDuration > 0)
  .map((each) => String(each.animationName ?? each.transitionProperty)))"""

# Whether what is chosen, lifted or pressed differs from its like by more than a colour, which the system takes away.
DIFFER = """([one, other]) => {
  const [a, b] = [one, other].map((each) => getComputedStyle(document.querySelector(each)));
  const told = ["fontWeight", "borderTopWidth", "borderBottomWidth", "borderLeftWidth", "outlineStyle"];
  return told.some((name) => a[name] !== b[name]);
}"""


@pytest.mark.parametrize("way", ["ltr", "rtl"])
def test_pages_fit_from_either_side_and_at_four_times_the_size(visit, scene, way):
    window, found = visit(scene.alice, device_scale_factor=2), []
    for path in PATHS:
        page = window.go(path.format(scene))
        page.evaluate(f"document.documentElement.dir = '{way}'")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 450})
            wrong = [*page.evaluate(SPOILED), *page.evaluate(CUT_OFF)]
            found += [f"{path} at {width}: {each}" for each in wrong]
    assert found == [], "\n".join(found)


def test_nothing_moves_for_whom_nothing_should(visit, alice):
    program = a_program(alice, key="OPS", name="Spring")
    task = a_task(alice, program, name="Letter")
    window = visit(alice)
    window.page.emulate_media(reduced_motion="reduce")
    page = window.go(f"/w?p=programs/{program.id}/board&p=tasks/{task.id}")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    assert page.evaluate(MOVING) == []
    menu = page.locator(".card details.menu")
    menu.locator("summary").click()
    assert page.evaluate(MOVING) == []
    menu.get_by_role("button", name="Move to Doing").click()
    expect(page.get_by_text("OPS-1 is now in “Doing”.")).to_be_visible()
    assert page.evaluate(MOVING) == []
    page.get_by_role("button", name="Drag OPS-1").press("Space")
    expect(page.locator(".card[data-lifted]")).to_be_visible()
    assert page.evaluate(MOVING) == []
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) != []  # it is the wish that stops it


def test_focus_and_states_are_seen_in_the_colours_of_the_system(visit, scene):
    window, unseen = visit(scene.alice), []
    window.page.emulate_media(forced_colors="active")
    page = window.go(WORKSPACE.format(scene))
    expect(page.locator("a[data-act]")).to_have_count(0)
    page.locator("#workspace h1").first.focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        unseen += filter(None, [page.evaluate(IS_SEEN)])
    assert unseen == []
    assert page.evaluate(DIFFER, ["#nav [aria-current]", "#nav a:not([aria-current])"])
    page.locator("[data-grab]").first.press("Space")
    assert page.evaluate(DIFFER, [".card[data-lifted]", ".card:not([data-lifted])"])
    page.keyboard.press("Escape")
    page.locator("[data-panel] summary").first.click()
    beside = page.get_by_role("button", name="Open links beside it").first
    beside.click()
    page.locator("[data-panel] summary").first.click()
    expect(beside).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(DIFFER, ["[data-act=beside][aria-pressed=true]", "[data-act=beside][aria-pressed=false]"])
