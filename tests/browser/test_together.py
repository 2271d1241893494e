"""Two people write one text at once, one of them on a phone: no word is lost, no caret jumps, saving is one version."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from app.commands.tasks import update_task
from app.schemas.tasks import TaskChanges
from tests.browser.layout import PHONE
from tests.browser.windows import PATIENCE, until
from tests.factories import a_task
from tests.trail import audit_rows

pytestmark = pytest.mark.usefixtures("within_earshot")

BEGIN = "Once upon a time"
ALL_THAT_IS_LACKING = bytes([0, 1])  # how a message begins that brings it: app/web/text_messages.py
COMPOSE = """(field) => {
  const at = field.value.length;
  field.focus();
  field.setSelectionRange(at, at);
  field.dispatchEvent(new CompositionEvent("compositionstart"));
  field.setRangeText("に", at, at, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true }));
}"""
COMPOSED = """(field) => {
  const at = field.value.length;
  field.setRangeText("日本", at - 1, at, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true }));
  field.dispatchEvent(new CompositionEvent("compositionend"));
}"""


@pytest.fixture
def write(visit):
    """Open the text of a task to write it together, and wait until there is a line."""

    def open_page(player, task, **options):
        window = visit(player, **options)
        page = window.go(f"/tasks/{task.id}/edit")
        page.get_by_role("link", name="Edit together").click()
        expect(page.get_by_text(re.compile("Only you are here|Here with you"))).to_be_visible()
        return window, page

    return open_page


def field_of(page):
    return page.get_by_label("Description")


def says(page, words):
    expect(page.locator("[data-state-words]")).to_have_text(words)


def press_until(field, keys, words):
    """Press keys until a text is reached: who types slowly has more steps to take back."""
    for _step in range(12):
        if field.input_value() != words:
            field.press(keys)
    assert field.input_value() == words


def test_two_people_write_at_once_one_of_them_on_a_phone_and_save(write, alice, bob):
    task = a_task(alice, description=BEGIN)
    _window, alices = write(alice, task)
    says(alices, "All is saved, as version 1.")
    _window, bobs = write(bob, task, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(alices.get_by_text(f"Here with you: {bob.actor.name}")).to_be_visible()
    expect(bobs.get_by_text(f"Here with you: {alice.actor.name}")).to_be_visible()
    mine, theirs = field_of(alices), field_of(bobs)

    # A word that is being composed is not broken by what the other writes meanwhile.
    mine.evaluate(COMPOSE)
    theirs.press("Control+Home")
    theirs.press_sequentially("Well. ")
    says(alices, "You write together. What you write is kept, and is no version yet.")  # it has come
    expect(mine).to_have_value(f"{BEGIN}に")
    mine.evaluate(COMPOSED)
    for field in (mine, theirs):
        expect(field).to_have_value(f"Well. {BEGIN}日本")

    # Both at once, one at the beginning and one at the end: each goes on where they stand.
    mine.evaluate("(field) => { field.focus(); field.setSelectionRange(0, 0); }")
    theirs.evaluate("(field) => { field.focus(); field.setSelectionRange(field.value.length, field.value.length); }")
    for left, right in zip("🦜 A tale: ", ", long ago", strict=True):
        mine.press_sequentially(left)
        theirs.press_sequentially(right)
    for field in (mine, theirs):
        expect(field).to_have_value(f"🦜 A tale: Well. {BEGIN}日本, long ago")
    says(alices, "You write together. What you write is kept, and is no version yet.")

    # Each takes back what they did themselves, and goes forward again.
    before = mine.input_value()
    press_until(mine, "Control+z", f"Well. {BEGIN}日本, long ago")
    expect(theirs).to_have_value(mine.input_value())
    press_until(mine, "Control+Shift+z", before)
    expect(theirs).to_have_value(before)

    assert bobs.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    # One saves: one version, one event, and the other is told in words.
    words = mine.input_value()
    alices.get_by_role("button", name="Save as a version").click()
    expect(alices.get_by_text("Changes saved.")).to_be_visible()
    says(bobs, f"Saved as version 2 by {alice.actor.name}.")
    assert alice.task(task.id).description == words
    events = audit_rows(task)
    assert [event.event_type for event in events] == ["task.created", "task.updated"]
    assert events[-1].metadata["facts"] == {"editor_ids": sorted([alice.user_id, bob.user_id])}
    alices.goto(alices.url.rstrip("/") + "/history")
    expect(alices.get_by_text(f"written together with {bob.actor.name}")).to_be_visible()
    expect(bobs.get_by_text("Only you are here.")).to_be_visible()


def test_two_texts_are_written_beside_each_other_and_each_by_itself(visit, write, alice, bob):
    one, other = a_task(alice, description=BEGIN), a_task(alice, description=BEGIN)
    page = visit(alice).go(f"/w?p=tasks/{one.id}/description&p=tasks/{other.id}/description")
    left, right = (page.locator("[data-panel]").nth(place) for place in (0, 1))
    expect(left.get_by_text("Only you are here.")).to_be_visible()
    _window, bobs = write(bob, other)
    expect(right.get_by_text(f"Here with you: {bob.actor.name}")).to_be_visible()
    field_of(left).press("Control+End")
    field_of(left).press_sequentially(" here")
    field_of(right).press("Control+Home")
    field_of(right).press_sequentially("Well. ")
    field_of(bobs).press("Control+End")
    field_of(bobs).press_sequentially(" there")
    for field in (field_of(right), field_of(bobs)):
        expect(field).to_have_value(f"Well. {BEGIN} there")
    expect(field_of(left)).to_have_value(f"{BEGIN} here")
    expect(left.get_by_text("Only you are here.")).to_be_visible()

    # One is saved, and its panel goes on to the task; in the other one they write on.
    left.get_by_role("button", name="Save as a version").click()
    expect(left.get_by_role("heading", name="Comments")).to_be_visible()
    field_of(bobs).press_sequentially("!")
    expect(field_of(right)).to_have_value(f"Well. {BEGIN} there!")
    assert (alice.task(one.id).description, alice.task(other.id).description) == (f"{BEGIN} here", BEGIN)


def test_a_line_that_is_cut_and_words_that_were_saved_elsewhere_lose_nothing(write, product, alice, bob):
    task = a_task(alice, description=BEGIN)
    window, page = write(bob, task)
    field = field_of(page)
    others_window, other = write(alice, task)
    with window.offline(network=True), others_window.offline(network=True):
        product.kill("live")
        says(page, re.compile("^No connection: you write alone"))
        field.press("Control+End")
        field.press_sequentially(" there")
        field_of(other).press("Control+End")
        field_of(other).press_sequentially("!")
        expect(field).to_have_value(f"{BEGIN} there")
        product.start("live")
        product.wait("live")
        expect(field_of(other)).to_have_value(re.compile("there"))
        expect(page.locator("[data-state-words]")).to_have_text(re.compile("^You write together"))
    expect(field).to_have_value(field_of(other).input_value())

    update_task(alice.actor, task.id, TaskChanges(description="Alone"))
    says(page, re.compile("^Somebody has saved other words elsewhere"))
    window.refusals.append(409)
    page.get_by_role("button", name="Save as a version").click()
    expect(page.get_by_role("heading", name="Somebody else saved this")).to_be_visible()
    field.press("Control+Home")
    field.press_sequentially("Merged: ")
    expect(field_of(other)).to_have_value(re.compile("^Merged: Once"))
    page.get_by_role("button", name="Save as a version").click()
    expect(page.get_by_text("Changes saved.")).to_be_visible()
    says(other, f"Saved as version 3 by {bob.actor.name}.")
    assert alice.task(task.id).description.startswith("Merged: Once")


def test_words_that_are_written_while_the_line_comes_back_wait_for_no_others(visit, alice):
    task = a_task(alice, description=BEGIN)
    window = visit(alice)
    page = window.new_page()
    lines, held = [], []

    def between(line):
        server = line.connect_to_server()
        lines.append((line, server))

        def tell(message):
            if len(lines) > 1 and message[:2] == ALL_THAT_IS_LACKING:
                held.append(message)
            else:
                line.send(message)

        server.on_message(tell)

    page.route_web_socket(re.compile("/texts/"), between)
    page.goto(window.at(f"/tasks/{task.id}/description"))
    says(page, "All is saved, as version 1.")
    first, server = lines[0]
    server.close()
    first.close()
    until(page, "document.querySelector('[data-state-words]').textContent.startsWith('No connection')")
    deadline = time.monotonic() + PATIENCE / 1000
    while not held:
        page.evaluate("0")
        assert time.monotonic() < deadline, "The line does not come back."
    field_of(page).press("Control+End")
    field_of(page).press_sequentially(" there")
    says(page, "Keeping your words…")
    lines[1][0].send(held[0])
    says(page, "You write together. What you write is kept, and is no version yet.")


def test_without_scripts_it_is_an_ordinary_form(visit, alice):
    task = a_task(alice, description=BEGIN)
    page = visit(alice, script=False).go(f"/tasks/{task.id}/edit")
    page.get_by_role("link", name="Edit together").click()
    field_of(page).fill("Alone")
    page.get_by_role("button", name="Save as a version").click()
    assert alice.task(task.id).description == "Alone"
