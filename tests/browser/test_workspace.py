"""Pages beside each other: opened, moved and closed by hand, by keyboard and without a script, and live meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.commands.access_grants import delete_access_grant
from app.commands.task_comments import comment_on_task
from app.commands.workspaces import delete_workspace
from app.schemas.tasks import NewComment
from tests import cast
from tests.browser.layout import PHONE
from tests.browser.windows import Held, heading, heard_out, until
from tests.factories import a_grant, a_program, a_task

pytestmark = pytest.mark.usefixtures("within_earshot")

TABLET = {"width": 820, "height": 1180}
FEW = 160  # elements; some 100 are those of the panel itself, and of what is named anew with it
HOLD_FRAMES = """() => {
  [window.held, window.draw] = [[], requestAnimationFrame];
  requestAnimationFrame = (act) => held.push(act);
}"""
MOVED_AFTER_A_JUMP = """async (panel) => {
  const row = document.querySelector("tbody tr");
  for (let at = 0; at < 40; at++) row.after(row.cloneNode(true));
  panel.scrollIntoView({ block: "center" });
  const { top } = panel.getBoundingClientRect();
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  return panel.getBoundingClientRect().top - top;
}"""
PRESSED_TWICE = """(link) => [1, 2].map(() => {
  link.dispatchEvent(new MouseEvent("click", { altKey: true, bubbles: true, cancelable: true }));
  return document.getElementById("workspace").dataset.panels;
})"""
CLICKED_BESIDE = """(link) => {
  link.dispatchEvent(new MouseEvent("click", { altKey: true, bubbles: true, cancelable: true }));
}"""
LET_FRAMES_GO = "() => { requestAnimationFrame = window.draw; held.forEach((act) => act()); }"
SEEN_WHERE_IT_IS = """() => {
  const state = document.getElementById("live-state");
  const { left, right, top, bottom } = state.getBoundingClientRect();
  const [middle, height] = [(left + right) / 2, (top + bottom) / 2];
  const there = [left + 1, middle, right - 1].flatMap((x) => document.elementsFromPoint(x, height));
  return {
    isOnTop: state.contains(document.elementFromPoint(middle, height)),
    covers: there.filter((each) => each.matches("a, button, summary")).map((each) => each.textContent),
  };
}"""
KEPT = "document.querySelector('[data-place]') === window.kept"


@pytest.fixture
def program(alice):
    return a_program(alice, key="OPS", name="Spring")


@pytest.fixture
def tasks(alice, program):
    return [a_task(alice, program, name=name) for name in ("Letter", "Leaflet")]


def panel(page: Page, name: str):
    """A panel by a word of its name."""
    return page.locator("[data-panel]").filter(has=page.locator(".pane__title", has_text=name))


def shown(page: Page) -> list[str]:
    """What is open, as the address says it."""
    return re.findall(r"[?&]p=([^&]*)", page.evaluate("location.search"))


def following(page: Page) -> None:
    """Wait until the page hears what others do."""
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()


def ready(page: Page) -> None:
    """Wait until the script has taken over."""
    expect(page.locator("#workspace a[data-href]")).to_have_count(0)
    expect(page.locator("a[data-act]")).to_have_count(0)


def styled_at_once(page: Page, act: Callable[[], None]) -> int:
    """How many elements the browser styled again in one go, at most, while something was done."""
    browser = page.context.browser
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    return max(each["args"].get("elementCount", 0) for each in events if each["name"] == "UpdateLayoutTree")


def test_by_keyboard_alone_panels_open_move_fold_and_close_and_the_others_are_left_alone(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    ready(page)
    page.evaluate("window.kept = document.querySelector('[data-place]')")
    page.locator("[data-panel-body]").evaluate("body => { body.style.maxBlockSize = '120px'; body.scrollTop = 40; }")

    page.get_by_role("link", name="Letter").focus()
    scrolled = page.locator("[data-panel-body]").evaluate("body => body.scrollTop")
    assert scrolled > 40
    page.evaluate(HOLD_FRAMES)
    page.keyboard.press("Alt+Enter")  # beside it, and the keyboard goes there once it is drawn
    expect(panel(page, "Letter").locator("h1")).to_be_visible()
    expect(page.get_by_role("link", name="Letter").first).to_be_focused()
    page.evaluate(LET_FRAMES_GO)
    expect(panel(page, "Letter").locator("h1")).to_be_focused()
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[0].id}"]
    expect(page).to_have_title(re.compile(r"^Spring · OPS-1 Letter – "))
    expect(page.locator("#announcer")).to_have_text("OPS-1 Letter is open, panel 2 of 2.")
    assert page.evaluate(KEPT)
    assert page.locator("[data-panel-body]").first.evaluate("body => body.scrollTop") == scrolled

    page.keyboard.press("Shift+F6")
    expect(panel(page, "Spring").locator("h1")).to_be_focused()
    page.keyboard.press("]")
    expect(panel(page, "Letter").locator("h1")).to_be_focused()

    edge = page.get_by_role("separator", name="Width of Spring")
    edge.focus()
    page.keyboard.press("ArrowLeft")
    expect(edge).to_have_attribute("aria-valuenow", "45")
    page.keyboard.press("Enter")
    expect(edge).to_have_attribute("aria-valuenow", "10")
    page.keyboard.press("Enter")
    expect(edge).to_have_attribute("aria-valuenow", "45")
    expect(page).to_have_url(re.compile("&s=45,55$"))

    page.get_by_role("button", name="Move with the arrow keys").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcer")).to_have_text("Spring is now panel 2 of 2.")
    assert shown(page) == [f"tasks/{tasks[0].id}", f"programs/{program.id}"]
    assert page.evaluate("document.querySelectorAll('[data-place]')[1] === window.kept")

    page.evaluate("document.documentElement.dir = 'rtl'")  # there the arrows point the other way
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcer")).to_have_text("Spring is now panel 1 of 2.")
    edge.focus()
    page.keyboard.press("ArrowLeft")
    expect(edge).to_have_attribute("aria-valuenow", "50")
    page.keyboard.press("ArrowRight")
    expect(edge).to_have_attribute("aria-valuenow", "45")
    page.evaluate("document.documentElement.dir = 'ltr'")

    panel(page, "Letter").get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Letter")).to_be_focused()  # which it was opened from
    assert shown(page) == [f"programs/{program.id}"]
    assert page.evaluate(KEPT)


def test_a_line_that_is_cut_says_so_above_everything_and_covers_nothing_that_is_pressed(visit, alice, program):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    following(page)
    page.locator("#live-state").evaluate("state => { state.dataset.state = 'off'; }")
    assert page.evaluate(SEEN_WHERE_IT_IS) == {"isOnTop": True, "covers": []}


def test_a_panel_that_comes_or_goes_costs_no_more_for_how_long_the_lists_beside_it_are(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}&p=tasks")
    ready(page)
    following(page)
    page.locator("[data-panel] tbody").evaluate_all(
        "all => all.forEach(body => { for (let n = 0; n < 200; n++) body.append(body.rows[0].cloneNode(true)) })"
    )

    def opened() -> None:
        page.get_by_role("link", name="Letter").first.click(modifiers=["Alt"])
        expect(panel(page, "Letter").locator("h1")).to_be_focused()

    def closed() -> None:
        panel(page, "Letter").get_by_role("button", name="Close").click()
        expect(page.locator("[data-panel]")).to_have_count(2)

    assert styled_at_once(page, opened) < FEW
    assert styled_at_once(page, closed) < FEW


def test_by_pointer_and_menu_links_lead_within_their_panel_or_to_the_one_beside_it(visit, alice, program, tasks):
    window = visit(alice)
    page = window.go("/w")
    page.get_by_role("region", name="Choose what to show here").get_by_role("link", name="Programs").click()
    panel(page, "Programs").get_by_role("link", name="Spring").click()
    expect(panel(page, "Spring").locator("h1")).to_be_focused()
    assert shown(page) == [f"programs/{program.id}"]

    page.locator("summary", has_text="What to do with this panel").first.click()
    page.get_by_role("button", name="Open links beside it").click()
    for name in ("Letter", "Leaflet"):  # the second takes the place of the first
        panel(page, "Spring").get_by_role("link", name=name).click()
        expect(panel(page, name)).to_be_visible()
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[1].id}"]

    task = panel(page, "Leaflet")
    task.get_by_label("Your comment").fill("Nearly.")
    task.get_by_role("button", name="Comment", exact=True).click()
    expect(task.get_by_text("Nearly.")).to_be_visible()
    task.get_by_role("link", name="Edit").click()
    form = page.locator("[data-panel]").last
    expect(form.locator("h1")).to_have_text("Edit task")
    form.get_by_label("Name").fill("")
    with window.refusing(422):
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_role("alert").first).to_be_focused()
    form.get_by_label("Name").fill("Flyer")
    form.get_by_role("button", name="Save").click()
    expect(panel(page, "Flyer").locator("h1")).to_be_focused()
    expect(
        panel(page, "Spring").get_by_role("link", name="Flyer")
    ).to_be_visible()  # it hears of what is done beside it
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[1].id}"]

    edge, box = page.get_by_role("separator").first, page.get_by_role("separator").first.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + 200, steps=4)
    page.mouse.up()
    assert 30 < int(edge.get_attribute("aria-valuenow")) < 45
    grip, goal = page.locator("[data-grip]").first.bounding_box(), panel(page, "Flyer").bounding_box()
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(goal["x"] + goal["width"] - 40, grip["y"] + 5, steps=6)
    page.mouse.up()
    assert shown(page) == [f"tasks/{tasks[1].id}", f"programs/{program.id}"]


def test_on_a_slow_line_a_panel_soon_stands_in_its_place_and_can_be_given_up(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    ready(page)
    held = []

    def hold(route):
        held.append(route)

    page.route("**/tasks/*", hold)
    link = page.get_by_role("link", name="Letter")
    link.click(modifiers=["Alt"])
    coming = page.get_by_role("region", name="Letter", exact=True)
    expect(coming).to_have_attribute("aria-busy", "true")
    expect(page).to_have_title(re.compile(r"^Spring · Letter – "))
    expect(page.locator("#announcer")).to_have_text("Letter is on its way…")
    coming.get_by_role("button", name="Close").click()
    expect(link).to_be_focused()
    assert shown(page) == [f"programs/{program.id}"]

    link.click(modifiers=["Alt"])
    expect(coming).to_be_visible()
    box = coming.bounding_box()
    for each in held:
        each.continue_()
    page.unroute("**/tasks/*")
    expect(panel(page, "OPS-1").locator("h1")).to_be_focused()
    arrived = page.locator("[data-panel]").last
    assert arrived.bounding_box() == box  # nothing has moved
    expect(arrived).not_to_have_attribute("aria-busy", "true")
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[0].id}"]

    arrived.get_by_role("button", name="Close").click()
    held.clear()
    page.route("**/tasks/*", hold)
    link.click(modifiers=["Alt"])  # and they go on to something else, until it is there
    expect(coming).to_be_visible()
    menu = page.locator("[data-panel] details.menu").first
    menu.locator("summary").click()
    until(page, "document.querySelectorAll('[data-panel]').length === 2")
    for each in held:
        each.continue_()
    page.unroute("**/tasks/*")
    expect(panel(page, "OPS-1").locator("h1")).to_be_visible()
    expect(arrived).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#announcer")).to_have_text(re.compile("is open, panel 2 of 2"))
    expect(menu).to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Escape")

    arrived.get_by_role("button", name="Close").click()
    expect(link).to_be_focused()
    held.clear()
    page.route("**/tasks/*", hold)
    assert link.evaluate(PRESSED_TWICE) == ["1", "2"]  # panels in sight: whoever cannot wait is led to where it will be
    expect(coming).to_be_focused()
    coming.get_by_role("button", name="Close").click()
    page.unroute("**/tasks/*")

    page.locator("summary", has_text="What to do with this panel").first.click()
    page.get_by_role("button", name="Open links beside it").click()
    held.clear()
    page.route("**/tasks/*", hold)
    for name in ("Letter", "Leaflet"):  # one after the other, before the first is there
        panel(page, "Spring").get_by_role("link", name=name).click()
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()  # where it makes room, links move
    for each in held:
        each.continue_()
    page.unroute("**/tasks/*")
    expect(panel(page, "Leaflet").locator("h1")).to_be_focused()
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[1].id}"]


def test_no_room_is_made_for_a_panel_on_its_way_while_somebody_presses_something(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    ready(page)
    page.route("**/tasks/*", lambda route: None)
    page.mouse.move(600, 400)
    page.mouse.down()
    page.get_by_role("link", name="Letter").evaluate(CLICKED_BESIDE)
    expect(page.locator("#announcer")).to_have_text("Letter is on its way…")
    assert page.locator("#workspace").get_attribute("data-panels") == "1"
    page.mouse.up()
    expect(page.get_by_role("region", name="Letter", exact=True)).to_be_visible()


def test_a_link_that_was_sent_reload_and_back_bring_back_what_was_open(visit, alice, program, tasks):
    window = visit(alice)
    page = window.go(f"/w?p=programs/{program.id}&p=tasks/{tasks[0].id}&s=30,70")
    ready(page)
    assert page.locator("[data-place]").first.bounding_box()["width"] < 420
    page.evaluate("window.kept = document.querySelector('[data-place]')")
    panel(page, "Letter").get_by_role("link", name="History").click()
    expect(panel(page, "History").locator("h1")).to_be_focused()
    panel(page, "Spring").get_by_role("link", name="Leaflet").click(modifiers=["Alt"])
    expect(panel(page, "Leaflet")).to_be_visible()
    first, three = (
        f"programs/{program.id}",
        [f"programs/{program.id}", f"tasks/{tasks[1].id}", f"tasks/{tasks[0].id}/history"],
    )
    expect(page).to_have_url(re.compile(three[1]))  # which follows as soon as the panel has come
    assert shown(page) == three
    page.reload()
    expect(page.locator("[data-panel]")).to_have_count(3)
    ready(page)
    page.evaluate("window.kept = document.querySelector('[data-place]')")
    page.go_back()
    expect(page.locator("[data-panel]")).to_have_count(2)
    page.go_back()
    expect(panel(page, "Letter").locator("h1")).to_be_visible()
    assert shown(page) == [first, f"tasks/{tasks[0].id}"]
    assert page.evaluate(KEPT)
    page.go_forward()
    expect(panel(page, "History").locator("h1")).to_be_visible()
    assert page.evaluate(KEPT)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks").click()
    expect(page.locator("h1")).to_have_text(["Tasks"])
    page.go_back()
    expect(page.locator("[data-panel]")).to_have_count(2)
    expect(panel(page, "History").locator("h1")).to_be_visible()


def test_who_goes_back_is_not_taken_to_what_they_had_asked_for_before(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    ready(page)
    ways = page.get_by_role("navigation", name="Main")
    for there, shows in ((panel(page, "Spring"), "Letter"), (ways, "Policies")):
        panel(page, "Spring").get_by_role("link", name="Leaflet").click(modifiers=["Alt"])
        expect(panel(page, "Leaflet").locator("h1")).to_be_visible()
        expect(page).to_have_url(re.compile(str(tasks[1].id)))
        late = Held(page, f"**/tasks/{tasks[0].id}" if shows == "Letter" else "**/policies")
        there.get_by_role("link", name=shows).click()
        late.answer()
        page.go_back()
        expect(page.locator("[data-panel]")).to_have_count(1)
        late.let_go()
        heard_out(page)
        expect(panel(page, "Spring").locator("h1")).to_be_visible()
        assert shown(page) == [f"programs/{program.id}"]


def test_who_is_on_the_way_out_of_a_workspace_comes_to_the_address_of_what_they_see(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}&p=policies")
    ready(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks").click()
    expect(page.locator("#workspace")).to_have_count(0)
    page.go_back()
    expect(page.locator("[data-panel]")).to_have_count(2)
    ready(page)
    late, out = Held(page, f"**/tasks/{tasks[0].id}"), Held(page, "**/tasks")
    panel(page, "Spring").get_by_role("link", name="Letter").click()
    late.answer()
    page.evaluate("history.forward()")
    assert out.route
    late.let_go()
    page.get_by_role("button", name="Close").last.click()
    expect(page.locator("[data-panel]")).to_have_count(1)
    out.let_go()
    expect(page.locator("#workspace")).to_have_count(0)
    expect(heading(page)).to_have_text("Tasks")
    expect(page).to_have_url(re.compile("/tasks$"))


def test_a_panel_that_is_still_on_its_way_comes_also_to_who_goes_back_to_it(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}")
    ready(page)
    late = Held(page, f"**/tasks/{tasks[0].id}")
    letter = page.get_by_role("region", name="Letter", exact=True)
    panel(page, "Spring").get_by_role("link", name="Letter").click(modifiers=["Alt"])
    expect(page).to_have_url(re.compile(str(tasks[0].id)))
    expect(letter).to_have_attribute("aria-busy", "true")
    page.get_by_role("link", name="Leaflet").click(modifiers=["Alt"])
    expect(panel(page, "Leaflet").locator("h1")).to_be_visible()
    expect(page).to_have_url(re.compile(str(tasks[1].id)))
    page.go_back()
    expect(panel(page, "Leaflet")).to_have_count(0)
    late.let_go()
    expect(panel(page, "OPS-1 Letter").locator("h1")).to_be_visible()
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[0].id}"]


def test_a_page_that_comes_while_a_panel_is_sized_leaves_the_next_ones_to_be_sized(visit, alice, program):
    page = visit(alice).go(f"/w?p=programs/{program.id}&p=tasks")
    ready(page)
    edge = page.locator("[data-splitter]").first

    def pull() -> None:
        edge.hover()
        page.mouse.down()
        at = edge.bounding_box()
        page.mouse.move(at["x"] + 80, at["y"] + 100, steps=3)

    late = Held(page, "**/policies")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Policies").click()
    assert late.route
    pull()
    late.let_go()
    expect(page.locator("#workspace")).to_have_count(0)
    page.mouse.up()
    page.go_back()
    expect(page.locator("[data-panel]")).to_have_count(2)
    ready(page)
    before = edge.get_attribute("aria-valuenow")
    pull()
    page.mouse.up()
    expect(edge).not_to_have_attribute("aria-valuenow", before)


def test_who_left_before_a_panel_was_drawn_and_sizes_others_later_can_still_go_forward(visit, alice, program, tasks):
    page = visit(alice).go(f"/w?p=programs/{program.id}&p=policies")
    ready(page)
    page.evaluate(HOLD_FRAMES)
    page.get_by_role("link", name="Letter").click(modifiers=["Alt"])
    expect(panel(page, "Letter").locator("h1")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks").click()
    expect(page.locator("#workspace")).to_have_count(0)
    page.evaluate(LET_FRAMES_GO)
    page.go_back()
    expect(page.locator("[data-panel]")).to_have_count(2)
    ready(page)
    page.locator("[data-splitter]").first.press("ArrowRight")
    expect(page).to_have_url(re.compile("&s=55,45$"))
    page.go_forward()
    expect(page.locator("#workspace")).to_have_count(0)
    expect(heading(page)).to_have_text("Tasks")


def test_without_scripts_every_step_is_a_link(visit, alice, program, tasks):
    page = visit(alice, script=False).go("/tasks")
    page.get_by_role("link", name="Open in the workspace").click()
    page.get_by_text("Add panel").click()
    page.get_by_role("link", name="Programs").last.click()
    assert shown(page) == ["tasks", "programs"]
    panel(page, "Tasks").get_by_role("link", name="Letter").click()
    assert shown(page) == [f"tasks/{tasks[0].id}", "programs"]
    panel(page, "Letter").locator("summary", has_text="What to do with this panel").click()
    panel(page, "Letter").get_by_role("link", name="Move after").click()
    assert shown(page) == ["programs", f"tasks/{tasks[0].id}"]
    panel(page, "Programs").get_by_role("link", name="Close").click()
    assert shown(page) == [f"tasks/{tasks[0].id}"]
    page.get_by_label("Your comment").fill("Nearly.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Nearly.")).to_be_visible()
    page.go_back()
    assert shown(page) == [f"tasks/{tasks[0].id}"]


def test_on_a_phone_they_stand_below_each_other_under_a_strip(visit, alice, program, tasks):
    page = visit(alice, viewport=PHONE, has_touch=True, is_mobile=True).go(f"/w?p=programs/{program.id}&p=programs")
    ready(page)
    strip = page.get_by_role("navigation", name="Panels")
    expect(strip.get_by_role("link")).to_have_text(["Spring", "Programs"])
    expect(page.get_by_role("separator")).to_have_count(0)
    at = strip.locator("[aria-current=true]")
    expect(at).to_have_text("Spring")
    assert abs(panel(page, "Programs").evaluate(MOVED_AFTER_A_JUMP)) < 1  # pixel, whatever was never in sight above it
    page.evaluate("scrollTo(0, 0)")
    strip.get_by_role("link", name="Programs").tap()  # too short to come further up
    expect(at).to_have_text("Programs")
    expect(panel(page, "Programs").get_by_role("button", name="Close")).to_be_in_viewport()
    page.evaluate("document.dispatchEvent(new Event('touchmove')); scrollTo(0, 0)")  # by a finger
    expect(at).to_have_text("Spring")
    assert "#" not in page.url, "Back leads to another page, not from panel to panel"
    page.get_by_text("Add panel").tap()
    page.get_by_role("link", name="Tasks").last.tap()
    expect(panel(page, "Tasks").locator("h1")).to_be_in_viewport()
    expect(strip.get_by_role("link")).to_have_text(["Spring", "Programs", "Tasks"])
    panel(page, "Tasks").get_by_role("button", name="Close").tap()
    page.evaluate(HOLD_FRAMES)
    page.get_by_text("Add panel").tap()
    page.get_by_role("link", name="Tasks").last.tap()
    expect(panel(page, "Tasks").locator("h1")).to_be_visible()
    strip.get_by_role("link", name="Spring").tap()  # they have gone on before it was drawn
    expect(panel(page, "Spring").locator("h1")).to_be_in_viewport()
    page.evaluate(LET_FRAMES_GO)
    expect(page.locator("#announcer")).to_have_text("Tasks is open, panel 3 of 3.")
    expect(panel(page, "Spring").locator("h1")).to_be_in_viewport()
    panel(page, "Spring").get_by_role("button", name="Close").tap()
    expect(strip.get_by_role("link")).to_have_text(["Programs", "Tasks"])
    until(page, "document.documentElement.scrollWidth <= innerWidth")


def test_where_more_stand_beside_each_other_than_fit_the_strip_says_so(visit, alice, program):
    page = visit(alice, viewport=TABLET).go(f"/w?p=programs/{program.id}&p=programs&p=tasks")
    ready(page)
    strip = page.get_by_role("navigation", name="Panels")
    expect(strip.get_by_role("link")).to_have_text(["Spring", "Programs", "Tasks"])
    strip.get_by_role("link", name="Tasks").click()
    expect(panel(page, "Tasks").locator("h1")).to_be_focused()
    expect(panel(page, "Tasks").get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)
    expect(strip.locator("[aria-current=true]")).to_have_text("Tasks")
    page.keyboard.press("Shift+F6")
    expect(strip.locator("[aria-current=true]")).to_have_text("Programs")
    panel(page, "Tasks").get_by_role("button", name="Close").click()
    expect(strip).to_be_hidden()
    page.go_back()  # to what was open at first
    expect(page.locator("[data-panel] h1")).to_have_count(3)
    expect(strip).to_be_visible()
    page.get_by_role("separator", name="Width of Spring").press("ArrowLeft")  # of a width that one has chosen all fit
    expect(strip).to_be_hidden()


def test_two_people_work_side_by_side_and_see_no_more_than_they_may(visit, product, alice, bob):
    gina = cast.join(alice.organisation, "gina")
    letter, secret = a_task(alice, name="Letter"), a_task(alice, name="Takeover")
    grant = a_grant(alice, "viewer", gina, task_id=letter.id)
    address = f"/w?p=tasks/{letter.id}&p=tasks/{secret.id}"
    window, told = visit(cast.play(alice.organisation, "gina")), []
    window.page.on("websocket", lambda line: line.on("framereceived", lambda frame: told.append(str(frame))))
    hers, his = window.go(address), visit(bob).go(address)
    for page in (hers, his):
        following(page)
    expect(hers.locator("[data-refused]")).to_contain_text("Either it is not there, or you may not see it.")
    assert "Takeover" not in hers.content()

    panel(his, "Letter").get_by_label("Your comment").fill("Who takes this?")
    panel(his, "Letter").get_by_role("button", name="Comment", exact=True).click()
    expect(panel(hers, "Letter").get_by_text("Who takes this?")).to_be_visible()
    comment_on_task(alice.actor, secret.id, NewComment(body="Hush"))
    expect(panel(his, "Takeover").get_by_text("Hush")).to_be_visible()

    with window.offline(network=True):  # what was missed while the line was cut comes into the panels too
        product.kill("live")
        expect(hers.get_by_text("Not connected")).to_be_visible()
        comment_on_task(alice.actor, letter.id, NewComment(body="While you were away"))
        comment_on_task(alice.actor, secret.id, NewComment(body="Hush hush"))
        product.start("live")
        product.wait("live")
        expect(panel(hers, "Letter").get_by_text("While you were away")).to_be_visible()
    following(hers)

    with window.refusing(404):
        delete_access_grant(alice.actor, grant.id)
        expect(hers.locator("[data-refused]")).to_have_count(2)
    assert "Letter" not in hers.content()
    assert len(shown(hers)) == 2
    frames = "".join(told)
    assert str(letter.id) in frames
    hidden = (str(secret.id), str(secret.program_id), "Takeover", "Hush")
    assert [each for each in hidden if each in frames] == []


def test_a_layout_is_saved_shared_and_followed_only_by_who_wants_to(visit, alice, bob, program, tasks):
    own = visit(alice)
    page = own.go(f"/w?p=programs/{program.id}")
    ready(page)
    page.get_by_role("link", name="Letter").click(modifiers=["Alt"])
    expect(panel(page, "Letter").locator("h1")).to_be_focused()
    page.get_by_text("Layouts").click()
    page.get_by_role("link", name="Save as…").click()
    page.get_by_label("Name").fill("Release desk")
    page.get_by_label("Everybody here").check()
    page.get_by_role("button", name="Save workspace").click()
    expect(page.get_by_role("heading", name="Release desk")).to_be_visible()
    assert shown(page) == [f"programs/{program.id}", f"tasks/{tasks[0].id}"]

    other = visit(bob)
    bobs = other.go("/workspaces")
    bobs.get_by_role("link", name="Release desk").click()
    expect(panel(bobs, "Letter")).to_be_visible()
    following(bobs)
    ready(page)
    panel(page, "Letter").get_by_role("button", name="Close").click()
    page.get_by_text("Layouts").click()
    page.get_by_role("button", name="Keep what is open now").click()
    expect(page.get_by_text("The workspace shows this from now on.")).to_be_visible()
    expect(bobs.get_by_text("The layout was changed.")).to_be_visible()
    expect(panel(bobs, "Letter")).to_be_visible()  # nobody's panels are moved unasked
    bobs.get_by_role("link", name="Follow").click()
    expect(bobs.locator("[data-panel]")).to_have_count(1)

    following(bobs)
    with other.refusing(404), own.refusing(404):
        delete_workspace(alice.actor, UUID(re.search("&ws=(.*)", bobs.url)[1]))
        for each in (bobs, page):
            expect(each.get_by_text("What is open here stays.")).to_be_visible()
    expect(bobs.locator(".desk__title")).to_have_text("Workspace")
    expect(bobs).not_to_have_url(re.compile("ws="))  # it is of no saved workspace from here on
    assert shown(bobs) == [f"programs/{program.id}"]
    bobs.get_by_role("link", name="Save it as your own").click()
    bobs.get_by_label("Name").fill("My desk")
    bobs.get_by_role("button", name="Save workspace").click()
    expect(bobs.get_by_role("heading", name="My desk")).to_be_visible()
    assert shown(bobs) == [f"programs/{program.id}"]
