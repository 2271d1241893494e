"""Tasks on their way between panels, to people and to columns of a board: by pointer, by keyboard and by finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.commands.task_assignments import assign_task
from app.schemas.tasks import Assignment
from tests.browser.axe import violations
from tests.factories import a_program, a_task


@pytest.fixture
def work(alice, bob):
    """A program with a task that Bob is on, and two that nobody is on; and another program."""
    program = a_program(alice, key="OPS", name="Spring")
    tasks = [a_task(alice, program, name=name) for name in ("Letter", "Leaflet", "Table")]
    assign_task(alice.actor, tasks[0].id, Assignment(user_id=bob.user_id))
    other = a_program(alice, key="WEB", name="Website")
    a_task(alice, other, name="Photographs")
    return program, other, [each.id for each in tasks]


def on(player, task_id) -> list[str]:
    return player.task(task_id).assignee_names


def grab(page: Page, number: str, panel: int | None = None):
    root = page if panel is None else page.locator("[data-panel]").nth(panel)
    return root.get_by_role("button", name=f"Drag {number}", exact=True)


def carry(page: Page, handle, goal) -> None:
    """Take a handle by the mouse, and carry what it holds over something else."""
    handle.hover()
    page.mouse.down()
    start = handle.bounding_box()
    page.mouse.move(start["x"] + 30, start["y"] + 30, steps=3)
    expect(page.locator(".ghost")).to_be_attached()
    goal.scroll_into_view_if_needed()
    end = goal.bounding_box()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    expect(page.locator("[data-aimed]")).to_have_count(1)


def test_a_mouse_carries_tasks_between_panels_to_people_and_columns(visit, alice, bob, work):
    program, other, tasks = work
    board, elsewhere = f"programs/{program.id}/board", f"programs/{other.id}/board"
    window = visit(alice)
    page = window.go(f"/w?p=programs/{program.id}&p={board}&p=people")
    bobs = visit(bob).go(f"/{board}")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    expect(bobs.locator("#live-state[data-line=open]")).to_be_attached()
    lists, boards, people = (page.locator("[data-panel]").nth(at) for at in range(3))
    card = bobs.locator(".card[data-number=OPS-2]")

    carry(page, grab(page, "OPS-2", 1), people.get_by_role("row").filter(has_text="Bob"))
    expect(page.locator(".ghost__why")).to_have_text("Assign to Bob")
    page.mouse.up()
    expect(page.get_by_text("Bob is on OPS-2.")).to_be_visible()
    expect(card.get_by_text("Assigned to Bob")).to_be_attached()  # on another screen as well
    expect(lists.get_by_role("row").filter(has_text="Leaflet").get_by_text("Bob")).to_be_visible()
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(card.get_by_text("Assigned to Bob")).to_have_count(0)
    assert on(alice, tasks[1]) == []

    doing = boards.locator("[data-column]").filter(has=page.locator("[data-state=doing]"))
    carry(page, grab(page, "OPS-3", 0), doing)
    page.mouse.up()
    expect(page.get_by_text("OPS-3 is now in “Doing”.")).to_be_visible()
    expect(boards.locator("[data-state=doing] .card__name")).to_have_text(["Table"])
    expect(lists.get_by_role("row").filter(has_text="Table").get_by_text("Doing")).to_be_visible()

    done = boards.locator("[data-column]").filter(has=page.locator("[data-state=done]"))
    with window.refusing(409):
        carry(page, grab(page, "OPS-1", 0), done)
        expect(page.locator(".ghost__why[data-refused]")).to_have_text("The workflow has no way to here.")
        page.mouse.up()
        expect(page.get_by_text("cannot go straight to “Done”.")).to_be_visible()

    page = window.go(f"/w?p={board}&p={elsewhere}")
    carry(page, grab(page, "OPS-1", 0), page.locator("[data-panel]").nth(1).locator("[data-column]").first)
    expect(page.locator(".ghost__why[data-refused]")).to_contain_text("A task stays in its own.")
    page.mouse.up()
    expect(page.locator("#toasts")).to_contain_text("This is the board of another program.")
    assert {alice.task(each).state.key for each in (tasks[0], tasks[1])} == {"todo"}


def test_the_keyboard_carries_a_task_to_a_person_and_hears_where_it_is(visit, alice, bob, work):
    program, _other, tasks = work
    page = visit(alice).go(f"/w?p=programs/{program.id}/board&p=people")
    announcer, handle = page.locator("#announcer"), grab(page, "OPS-2", 0)
    handle.focus()
    page.keyboard.press("Space")
    expect(announcer).to_contain_text("OPS-2 is lifted. To do, place 2 of 3. Tab leads to what it may be dropped on:")
    expect(announcer).to_have_attribute("aria-live", "assertive")
    assert violations(page) == []
    page.keyboard.press("Tab")
    expect(announcer).to_contain_text("Assign to Alice: 1 of")
    page.keyboard.press("F6")  # over the people of the board to the next panel, and not out of what is being done
    expect(page.locator("[data-panel]").nth(1).locator("[data-aimed]")).to_have_count(1)
    expect(handle).to_be_focused()
    page.keyboard.press("Escape")
    expect(announcer).to_have_text("OPS-2 is back where it was. To do, place 2 of 3.")
    expect(page.locator("[data-aimed], [data-lifted], [data-closed]")).to_have_count(0)
    for key in ("Space", "Tab", "ArrowRight"):
        page.keyboard.press(key)
    expect(announcer).to_contain_text("Assign to Bob: 2 of")
    page.keyboard.press("Space")
    expect(page.get_by_text("Bob is on OPS-2.")).to_be_visible()
    expect(page.locator(".card[data-number=OPS-2]").get_by_text("Assigned to Bob")).to_be_attached()
    expect(handle).to_be_focused()
    assert on(alice, tasks[1]) == ["Bob"]


def test_a_finger_gives_a_row_to_somebody_and_the_menu_does_it_too(visit, alice, bob, work):
    program, _other, tasks = work
    window = visit(alice, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = window.go(f"/programs/{program.id}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    row, goal = grab(page, "OPS-2").bounding_box(), page.locator("[data-person-here]").nth(1).bounding_box()
    assert min(row["width"], row["height"]) >= 44
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = row["x"] + 20, row["y"] + 20
    to = (goal["x"] + 20, goal["y"] + goal["height"] / 2)
    touch("touchStart", (x, y))
    touch("touchMove", (x - 20, y - 20))
    expect(page.locator(".ghost")).to_be_attached()
    touch("touchMove", to)
    expect(page.locator(".hand[data-aimed]")).to_have_count(1)
    touch("touchEnd")
    expect(page.get_by_text("Bob is on OPS-2.")).to_be_visible()
    assert on(alice, tasks[1]) == ["Bob"]

    page = window.go(f"/programs/{program.id}/board")
    card = page.locator(".card[data-number=OPS-3]")
    card.locator("summary").click()
    card.get_by_role("link", name="Assign to…").click()
    page.get_by_label("Assign to", exact=True).select_option("Bob")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Board")).to_be_visible()
    expect(page.get_by_text("Bob is on OPS-3.")).to_be_visible()
    assert on(alice, tasks[2]) == ["Bob"]

    page = window.go(f"/w?p=tasks&p=programs/{program.id}")
    first = page.locator("[data-panel]").first
    first.get_by_role("link", name="Assign OPS-1", exact=True).click()
    first.get_by_label("Assign to", exact=True).select_option("Alice")
    first.get_by_role("button", name="Assign", exact=True).click()
    expect(first.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    expect(first.get_by_role("row", name="OPS-1")).to_contain_text("Bob +1")
    expect(page.locator("[data-panel]")).to_have_count(2)
