"""A board under the hand: cards go by pointer, by keyboard and from their menu, and stay where the server has them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.commands.tasks import delete_task, move_task, update_task
from app.schemas.tasks import Move, TaskChanges
from tests.browser.windows import Held, heading, until_quiet
from tests.factories import a_program, a_task

# Has the board ask for itself, and ends when the answer was dealt with.
ANSWERED = """() => new Promise((done) => {
  document.addEventListener("htmx:finally:request", () => done(), {once: true});
  document.querySelector("[data-board]").dispatchEvent(new CustomEvent("live"));
})"""


@pytest.fixture
def program(alice):
    return a_program(alice, key="OPS", name="Spring")


@pytest.fixture
def tasks(alice, program):
    return [a_task(alice, program, name=name).id for name in ("Letter", "Leaflet", "Table")]


def cards(page: Page, state: str):
    return page.locator(f"[data-state={state}] > .card .card__name")


def grab(page: Page, number: str):
    return page.get_by_role("button", name=f"Drag {number}", exact=True)


def lift_by_pointer(page: Page, number: str, state: str, *, above: str | None = None) -> None:
    """Take a card by its handle and carry it into a column: above another card, or below all of them."""
    start = grab(page, number).bounding_box()
    goal = page.locator("[data-column]").filter(has=page.locator(f"[data-state={state}]")).bounding_box()
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 30, steps=3)
    x, y = goal["x"] + goal["width"] / 2, goal["y"] + goal["height"] - 4
    if above:
        y = page.locator(f".board [data-number={above}]").bounding_box()["y"] + 6
    page.mouse.move(x, y, steps=5)


def test_a_card_is_dragged_to_another_column(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    lift_by_pointer(page, "OPS-2", "doing")
    expect(page.locator(".ghost")).to_be_attached()
    page.mouse.up()
    expect(page.get_by_text("OPS-2 is now in “Doing”.")).to_be_visible()
    expect(page.locator(".ghost")).to_have_count(0)
    expect(cards(page, "doing")).to_have_text(["Leaflet"])
    assert alice.task(tasks[1]).state.key == "doing"


def test_a_card_that_is_on_its_way_is_taken_further_once_it_is_there(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    sent = Held(page, "**/place")
    lift_by_pointer(page, "OPS-2", "doing")
    page.mouse.up()
    sent.answer()
    lift_by_pointer(page, "OPS-2", "todo")  # it still looks as if it could be
    sent.let_go()
    expect(page.get_by_text("OPS-2 is now in “Doing”.")).to_be_visible()
    goal = page.locator("[data-state=todo]").bounding_box()
    page.mouse.move(goal["x"] + 40, goal["y"] + 20, steps=5)
    page.mouse.up()
    expect(page.get_by_text("OPS-2 is now in “To do”.")).to_be_visible()
    expect(cards(page, "doing")).to_have_count(0)
    assert alice.task(tasks[1]).state.key == "todo"


def test_a_card_is_dragged_within_its_column_and_stays_there(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    lift_by_pointer(page, "OPS-3", "todo", above="OPS-1")
    with page.expect_response("**/place"):
        page.mouse.up()
    expect(cards(page, "todo")).to_have_text(["Table", "Letter", "Leaflet"])
    page.reload()
    expect(cards(page, "todo")).to_have_text(["Table", "Letter", "Leaflet"])


def test_escape_puts_a_dragged_card_back(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    lift_by_pointer(page, "OPS-1", "doing")
    expect(cards(page, "doing")).to_have_text(["Letter"])
    page.keyboard.press("Escape")
    expect(cards(page, "todo")).to_have_text(["Letter", "Leaflet", "Table"])
    page.mouse.up()
    expect(page.locator("#announcer")).to_contain_text("OPS-1 is back where it was.")
    assert "POST" not in sent


def test_the_keyboard_lifts_moves_and_drops(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    handle, announcer = grab(page, "OPS-1"), page.locator("#announcer")
    handle.focus()
    page.keyboard.press("Space")
    expect(announcer).to_have_text("OPS-1 is lifted. To do, place 1 of 3. Tab leads to what it may be dropped on: 1.")
    expect(handle).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    expect(announcer).to_have_text("To do, place 2 of 3.")
    page.keyboard.press("ArrowRight")
    expect(announcer).to_have_text("Doing, place 1 of 1.")
    page.keyboard.press("Space")
    expect(page.get_by_text("OPS-1 is now in “Doing”.")).to_be_visible()
    expect(handle).to_be_focused()
    expect(handle).not_to_have_attribute("aria-pressed", "true")
    assert alice.task(tasks[0]).state.key == "doing"


def test_the_keyboard_takes_a_move_back(visit, alice, program, tasks):
    page = visit(alice).go(f"/programs/{program.id}/board")
    grab(page, "OPS-2").focus()
    for key in ("Space", "ArrowUp", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("#announcer")).to_have_text("OPS-2 is back where it was. To do, place 2 of 3.")
    expect(cards(page, "todo")).to_have_text(["Letter", "Leaflet", "Table"])
    expect(grab(page, "OPS-2")).to_be_focused()


def test_a_refused_move_is_explained_and_the_card_goes_back(visit, alice, program, tasks):
    window = visit(alice)
    page = window.go(f"/programs/{program.id}/board")
    with window.refusing(409):
        lift_by_pointer(page, "OPS-1", "done")
        page.mouse.up()
        expect(
            page.get_by_text("cannot go straight to “Done”. From there it can go to Doing or Cancelled.")
        ).to_be_visible()
    expect(cards(page, "todo")).to_have_text(["Letter", "Leaflet", "Table"])
    expect(cards(page, "done")).to_have_count(0)


def test_a_card_that_somebody_else_has_moved_goes_where_they_put_it(visit, alice, bob, program, tasks):
    window = visit(alice)
    page = window.go(f"/programs/{program.id}/board")
    move_task(bob.actor, tasks[0], Move(state="cancelled"))
    with window.refusing(409):
        lift_by_pointer(page, "OPS-1", "doing")
        page.mouse.up()
        expect(page.get_by_text("Somebody else has changed this in the meantime.")).to_be_visible()
    expect(cards(page, "cancelled")).to_have_text(["Letter"])


def test_without_a_connection_the_card_goes_back_and_it_is_said(visit, alice, program, tasks):
    window = visit(alice)
    page = window.go(f"/programs/{program.id}/board")
    with window.offline():
        lift_by_pointer(page, "OPS-1", "doing")
        page.mouse.up()
        expect(page.get_by_text("No connection to the server.")).to_be_visible()
        expect(cards(page, "todo")).to_have_text(["Letter", "Leaflet", "Table"])


@pytest.fixture
def watch(visit, program):
    """Open the board, and wait until it hears what others do."""

    def open_board(player):
        page = visit(player).go(f"/programs/{program.id}/board")
        expect(page.locator("#live-state[data-line=open]")).to_be_attached()
        return page

    return open_board


def test_two_people_see_each_others_moves(watch, alice, bob, tasks):
    alices, bobs = watch(alice), watch(bob)
    lift_by_pointer(alices, "OPS-1", "doing")
    alices.mouse.up()
    expect(cards(bobs, "doing")).to_have_text(["Letter"])
    lift_by_pointer(bobs, "OPS-3", "todo", above="OPS-2")
    bobs.mouse.up()
    expect(cards(alices, "todo")).to_have_text(["Table", "Leaflet"])


ASKED = "import(document.querySelector('[data-elements]').dataset.elements).then(() => 0)"  # is there when it has come


# What happened later, on another channel, is told before a card.
OVERTAKEN = """(channel) => {
  const line = new BroadcastChannel(`live:${document.body.dataset.line}`);
  const html = document.querySelector("[data-number=OPS-2]").outerHTML.replace("Leaflet", "Late");
  line.postMessage({ told: { event: "task.updated", channel: "task", id: `${Date.now() + 600_000}-0`, version: 1 } });
  line.postMessage({ told: { event: "task.updated", channel, id: `${Date.now()}-0`, version: 1, html } });
}"""


@pytest.mark.usefixtures("within_earshot")
def test_what_others_do_comes_without_a_request_and_takes_nothing_away(watch, visit, alice, bob, carol, program, tasks):
    alices, bobs = watch(alice), watch(bob)
    carols = visit(carol).go(f"/w?p=programs/{program.id}/board")
    expect(carols.locator("#live-state[data-line=open]")).to_be_attached()
    asked: list[str] = []
    for page in (bobs, carols):
        page.evaluate(ASKED)
        until_quiet(page)  # what was done just before it came is told to it as well
        page.on("request", lambda request: request.resource_type == "fetch" and asked.append(request.url))
    menu = bobs.locator(".board [data-number=OPS-1] details")
    menu.locator("summary").click()
    lift_by_pointer(alices, "OPS-1", "doing")
    alices.mouse.up()
    lift_by_pointer(alices, "OPS-3", "todo", above="OPS-2")
    alices.mouse.up()
    update_task(alice.actor, tasks[0], TaskChanges(name="Love letter"))
    new = a_task(alice, program, name="Pen")
    for page in (bobs, carols):
        expect(cards(page, "doing")).to_have_text(["Love letter"])
        expect(cards(page, "todo")).to_have_text(["Table", "Leaflet", "Pen"])
        counts = page.locator(".board__count").all_inner_texts()
        assert [count.split()[-1] for count in counts] == ["3", "1", "0", "0", "0"]
    expect(menu).to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu.get_by_role("button", name="Move to In review")).to_be_visible()
    expect(carols.locator(f"#p1-task-{new.id}")).to_be_attached()
    assert asked == []
    bobs.evaluate(OVERTAKEN, f"board.{program.id}")
    expect(cards(bobs, "todo")).to_have_text(["Table", "Late", "Pen"])
    delete_task(alice.actor, new.id)
    expect(cards(bobs, "todo")).to_have_text(["Table", "Leaflet"])  # as it is
    assert asked[0].endswith(f"/programs/{program.id}/board")


def test_what_others_do_waits_while_a_card_is_in_the_hand(watch, alice, bob, tasks):
    alices, bobs = watch(alice), watch(bob)
    lift_by_pointer(alices, "OPS-1", "doing")
    menu = bobs.locator(".board [data-number=OPS-2]")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Move to Doing").click()
    expect(cards(bobs, "doing")).to_have_text(["Leaflet"])
    alices.evaluate(ANSWERED)  # as one that was on its way already
    expect(cards(alices, "doing")).to_have_text(["Letter"])
    expect(alices.locator(".card[data-lifted]")).to_have_count(1)
    alices.keyboard.press("Escape")
    alices.mouse.up()
    expect(cards(alices, "doing")).to_have_text(["Leaflet"])
    expect(cards(alices, "todo")).to_have_text(["Letter", "Table"])


def test_a_press_meets_what_it_was_meant_for_though_others_move_things_meanwhile(watch, alice, bob, tasks):
    page = watch(bob)
    box = page.get_by_role("link", name="Leaflet").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    move_task(alice.actor, tasks[0], Move(state="doing"))  # what is below goes up
    page.evaluate(ANSWERED)
    assert cards(page, "todo").all_inner_texts() == ["Letter", "Leaflet", "Table"]
    page.mouse.up()
    expect(heading(page)).to_contain_text("Leaflet")
    page.go_back()
    menu = page.locator(".board [data-number=OPS-2] details")
    menu.locator("summary").focus()
    page.keyboard.down("Space")
    move_task(alice.actor, tasks[2], Move(state="doing"))
    page.evaluate(ANSWERED)
    assert cards(page, "doing").all_inner_texts() == ["Letter"]
    page.keyboard.up("Space")
    expect(menu).to_have_attribute("open", "")
    expect(cards(page, "doing")).to_have_count(2)  # and nothing was forgotten


def test_whatever_dragging_does_the_menu_does_too(visit, alice, program, tasks, script):
    page = visit(alice, script=script).go(f"/programs/{program.id}/board")

    def choose(number: str, what: str) -> None:
        card = page.locator(f".board [data-number={number}]")
        card.locator("summary").click()
        with page.expect_response("**/place"):
            card.get_by_role("button", name=what).click()

    choose("OPS-3", "To the top")
    expect(cards(page, "todo")).to_have_text(["Table", "Letter", "Leaflet"])
    choose("OPS-2", "One up")
    expect(cards(page, "todo")).to_have_text(["Table", "Leaflet", "Letter"])
    choose("OPS-3", "One down")
    expect(cards(page, "todo")).to_have_text(["Leaflet", "Table", "Letter"])
    choose("OPS-2", "To the bottom")
    expect(cards(page, "todo")).to_have_text(["Table", "Letter", "Leaflet"])
    choose("OPS-1", "Move to Doing")
    expect(cards(page, "doing")).to_have_text(["Letter"])
    assert page.locator(".grab").first.is_visible() is script


def test_a_finger_drags_by_the_handle_and_pushes_the_strip_elsewhere(visit, alice, program, tasks):
    page = visit(alice, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True).go(
        f"/programs/{program.id}/board"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert grab(page, "OPS-1").evaluate("(e) => getComputedStyle(e).touchAction") == "none"
    box = grab(page, "OPS-1").bounding_box()
    assert min(box["width"], box["height"]) >= 44
    below = page.locator(".board [data-number=OPS-3]").bounding_box()
    finger = page.context.new_cdp_session(page)
    x, y = box["x"] + 20, box["y"] + 20
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for share in (0.3, 0.6, 1):
        at = {"x": x, "y": y + (below["y"] + below["height"] - 4 - y) * share}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
    with page.expect_response("**/place"):
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(cards(page, "todo")).to_have_text(["Leaflet", "Table", "Letter"])
