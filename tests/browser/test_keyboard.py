"""The whole product without a mouse: where the keyboard goes, and that one sees where it is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import heading
from tests.factories import a_program, a_task

# What a person with a keyboard calls the thing that they stand on.
NAME_OF_FOCUS = """() => {
  const e = document.activeElement;
  if (e === document.body) return "the end";
  return (e.labels?.[0] ?? e).innerText.replace(/\\s+/g, " ").trim() || e.getAttribute("aria-label") || e.tagName;
}"""

# Whether one sees where the focus is: a line around it or around its frame, on the screen, and nothing in front of it.
IS_SEEN = """() => {
  const e = document.activeElement, frame = e.closest(".choice") ?? e;
  const outlined = [e, frame].some((x) => {
    const s = getComputedStyle(x);
    return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
  });
  const box = e.getBoundingClientRect(), x = box.left + Math.min(box.width / 2, 20), y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  if (!outlined) return "has no line around it";
  if (!(top && (e.contains(top) || top.contains(e)))) return `lies behind ${top?.outerHTML.slice(0, 60)} at ${x}, ${y}`;
  return "";
}"""


def test_the_first_key_offers_to_skip_the_navigation(visit, alice):
    page = visit(alice).go("/tasks")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New task").first).to_be_focused()


def test_the_keys_go_through_the_page_in_the_order_in_which_it_is_read(visit, alice):
    page = visit(alice).go("/tasks")
    expected = [
        *(
            "Skip to the content",
            "Acme",
            "Organisation",
            "Workspace",
            "Tasks",
            "Programs",
            "Certifications",
            "Policies",
        ),
        "Trash",
        *("People", "Groups", "Roles", "Explain access", "API keys", "Audit trail", "Page speed", "Settings"),
        *("A Your account: Alice Owner", "Sign out"),
        *("New task", "Words in the name", "Program and those below", "State", "Assigned to"),
    ]
    assert [_tab(page) for _ in expected] == expected


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)], ids=["wide", "phone"])
@pytest.mark.parametrize("path", ["/tasks", "/tasks/{0.task}", "/tasks/{0.task}/certifications/new", "/trash"])
def test_one_sees_where_the_focus_is(visit, scene, path, width, height):
    page = visit(scene.alice, viewport={"width": width, "height": height}).go(path.format(scene))
    unseen = []
    for _ in range(60):
        name = _tab(page)
        if name == "the end":
            break
        if wrong := page.evaluate(IS_SEEN):
            unseen.append(f"{name}: {wrong}")
    assert unseen == []


def test_a_task_is_moved_from_the_keyboard(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    menu = page.locator("main details.menu")
    page.locator("main summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(page.locator("main summary")).to_be_focused()
    page.keyboard.press("Space")
    assert _tab(page) == "Move to Doing"
    page.keyboard.press("Enter")
    expect(page.locator("main summary")).to_contain_text("State: Doing")
    expect(menu).not_to_have_attribute("open", "")
    expect(page.locator("main summary")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="is now in “Doing”")).to_be_visible()


def test_a_menu_closes_when_the_keyboard_leaves_it(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    page.locator("main summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("main details.menu")).not_to_have_attribute("open", "")


def test_the_focus_goes_to_what_is_wrong_and_from_there_to_the_field(visit, alice):
    a_program(alice)
    window = visit(alice)
    page = window.go("/tasks/new")
    with window.refusing(422):
        page.get_by_label("Name", exact=True).press("Enter")
        expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("aria-invalid", "true")


def test_the_focus_goes_to_the_heading_of_the_next_page(visit, alice):
    page = visit(alice).go("/tasks")
    page.get_by_role("link", name="Programs", exact=True).press("Enter")
    expect(heading(page)).to_have_text("Programs")
    expect(heading(page)).to_be_focused()
    expect(page).to_have_title(re.compile("^Programs"))


def test_a_comment_is_sent_from_the_keyboard_and_the_next_can_be_written_at_once(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    field = page.get_by_label("Your comment")
    field.fill("First.")
    field.press("Control+Enter")
    expect(page.get_by_role("region", name="Comments").get_by_role("listitem")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("")


def test_the_focus_stays_near_when_the_pressed_button_goes(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    people = page.get_by_role("region", name="Assigned to")
    people.get_by_role("button", name="Assign").press("Enter")
    expect(people.get_by_role("listitem")).to_have_count(1)
    expect(people.locator(":focus")).to_have_count(1)


def test_filtering_keeps_the_focus_on_the_button(visit, alice):
    a_task(alice, name="Feed the cat")
    page = visit(alice).go("/tasks")
    page.get_by_label("Words in the name").fill("dog")
    page.get_by_role("button", name="Apply").press("Enter")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_focused()


def _tab(page: Page) -> str:
    page.keyboard.press("Tab")
    return str(page.evaluate(NAME_OF_FOCUS))


def test_a_release_is_planned_in_a_workspace_without_a_mouse(visit, alice):
    program = a_program(alice, key="OPS", name="Spring")
    letter = a_task(alice, program, name="Letter")
    page = visit(alice).go("/tasks")
    _reach(page, "Workspace")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Workspace")
    expect(page.locator("#workspace a[data-href]")).to_have_count(0)
    _reach(page, "Add panel")
    page.keyboard.press("Enter")
    _reach(page, "Programs")
    page.keyboard.press("Enter")
    panels = page.locator("[data-panel]")
    expect(panels.locator("h1")).to_be_focused()
    _reach(page, "Spring")
    page.keyboard.press("Enter")  # in the same panel
    expect(panels.locator("h1")).to_have_text("Spring")
    _reach(page, "Board")
    page.keyboard.press("Alt+Enter")  # and beside it
    expect(panels.nth(1).locator("h1")).to_be_focused()
    _reach(page, "Drag OPS-1")
    for key in ("Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_text("OPS-1 is now in “Doing”.")).to_be_visible()
    assert alice.task(letter.id).state.key == "doing"
    _reach(page, "Letter")
    page.keyboard.press("Alt+Enter")
    expect(panels.nth(2).locator("h1")).to_be_focused()
    _reach(page, "Your comment")
    page.keyboard.type("Half of it is written.")
    page.keyboard.press("Control+Enter")
    expect(panels.nth(2).get_by_text("Half of it is written.")).to_be_visible()
    expect(page.locator(".toast p")).to_have_text(["Comment added."])  # in the place of what was said before
    page.keyboard.press("Shift+F6")
    expect(panels.nth(1).locator("h1")).to_be_focused()
    _reach(page, "Close", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(panels).to_have_count(2)
    expect(page.locator(":focus")).to_have_text("Board")  # which the panel was opened from
    _reach(page, "Layouts", "Shift+Tab")
    page.keyboard.press("Enter")
    _reach(page, "Save as…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Save this workspace")).to_be_visible()
    _reach(page, "Name")
    page.keyboard.type("Release desk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Release desk", level=1)).to_be_visible()
    expect(page.locator("[data-panel] h1")).to_have_text(["Spring", re.compile("Letter")])


def _reach(page: Page, name: str, key: str = "Tab") -> None:
    """Go on with a key until the keyboard stands on what is called so."""
    seen = []
    for _ in range(80):
        page.keyboard.press(key)
        seen.append(str(page.evaluate(NAME_OF_FOCUS)))
        if seen[-1] == name:
            return
    raise AssertionError(f"“{name}” is not reached: {seen}")
