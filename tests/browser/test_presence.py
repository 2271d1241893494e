"""Two people on one page see that they are not alone, and who does not want to be seen is not."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from app.commands.profiles import update_profile
from app.core.actor import SignedIn
from app.schemas.profiles import ProfileChanges
from tests import cast
from tests.browser.windows import PATIENCE, heading
from tests.factories import a_grant, a_program, a_task, a_workspace

pytestmark = pytest.mark.usefixtures("within_earshot")


def test_two_people_meet_on_a_task_and_a_third_who_hides_sees_them(visit, alice, bob):
    task = a_task(alice, name="Draft the letter")
    a_grant(alice, "viewer", cast.join(alice.organisation, "hidden"))
    hidden = cast.play(alice.organisation, "hidden")
    person = SignedIn(hidden.user_id, hidden.actor.name, hidden.actor.email)
    update_profile(person, ProfileChanges(is_shown=False))

    alices = visit(alice).go(f"/tasks/{task.id}")
    before = alices.get_by_role("heading", level=1).bounding_box()
    bobs_window = visit(bob)
    bobs = bobs_window.go(f"/tasks/{task.id}")
    expect(alices.locator("#main").get_by_text("Also here: Bob")).to_be_visible()
    expect(bobs.locator("#main").get_by_text("Also here: Alice")).to_be_visible()
    expect(alices.locator("#announcer")).to_have_text("Also here: Bob")
    assert alices.get_by_role("heading", level=1).bounding_box() == before

    watching = visit(hidden).go(f"/tasks/{task.id}")
    expect(watching.locator("#main").get_by_text("Also here: Alice and Bob")).to_be_visible()

    another = bobs_window.new_page()
    another.goto(bobs_window.at(f"/tasks/{task.id}/edit"))
    expect(another.locator("#main").get_by_text("Also here: Alice")).to_be_visible()
    another.get_by_label("Name").fill("What nobody has to know yet")
    expect(alices.locator("#main").get_by_text("Bob is editing this")).to_be_visible()
    expect(alices.locator("#main").get_by_text("Also here: Bob")).to_be_visible()
    expect(another.locator("#main").get_by_text("editing this")).to_have_count(0)  # which they know of themselves
    another.get_by_label("Name").fill("Draft the letter")
    expect(alices.locator("#main").get_by_text("Bob is editing this")).to_have_count(0)

    bobs.get_by_role("link", name="Tasks", exact=True).first.click()
    expect(another.locator("#main").get_by_text("Also here: Alice")).to_be_visible()
    another.close()
    expect(alices.locator("#main").get_by_text("Also here")).to_have_count(0)


def test_two_people_point_on_a_board_and_in_a_workspace_and_who_wants_no_motion_does_not(visit, alice, bob):
    program = a_program(alice)
    task = a_task(alice, program)
    windows = [visit(player) for player in (alice, bob)]
    alices, bobs = (window.go(f"/programs/{program.id}/board") for window in windows)
    expect(alices.locator("#main").get_by_text("Also here: Bob")).to_be_visible()
    expect(bobs.locator("#main").get_by_text("Also here: Alice")).to_be_visible()
    box = bobs.locator("[data-cursors]").bounding_box()
    cursor = alices.locator(".cursor")
    bobs.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    expect(cursor).to_have_text("Bob")
    expect(alices.locator(".cursors")).to_have_attribute("aria-hidden", "true")
    expect(cursor).to_have_count(0)  # it fades

    workspace = a_workspace(alice, "Release", f"tasks/{task.id}", "programs")
    for window in windows:
        window.go(f"/workspaces/{workspace.id}")
    for page in (alices, bobs):
        expect(page.locator(".desk__bar .here__people")).to_be_visible()
        expect(page.locator(".pane .here__people")).to_be_visible()
    box = bobs.locator("[data-panel-body]").first.bounding_box()
    bobs.mouse.move(box["x"] + 50, box["y"] + 200)
    bobs.mouse.move(box["x"] + 60, box["y"] + 210)
    expect(cursor).to_have_text("Bob")
    expect(cursor).to_have_count(0)

    alices.emulate_media(reduced_motion="reduce")
    bobs.mouse.move(box["x"] + 5, box["y"] + 5, steps=3)
    alices.mouse.move(box["x"] + 5, box["y"] + 5, steps=3)
    expect(bobs.locator(".cursor")).to_have_count(0)
    expect(cursor).to_have_count(0)


def test_who_edits_once_more_is_said_to(visit, alice, bob):
    task = a_task(alice, name="Draft the letter")
    alices = visit(alice).go(f"/tasks/{task.id}")
    bobs = visit(bob).go(f"/tasks/{task.id}/edit")
    editing = alices.locator("#main").get_by_text("Bob is editing this")
    expect(bobs.locator("#main").get_by_text("Also here: Alice")).to_be_visible()
    for name in ("Draft a letter", "Draft letters"):
        bobs.get_by_label("Name").fill(name)
        expect(editing).to_be_visible()
        bobs.get_by_role("button", name="Save").click()
        expect(editing).to_have_count(0)
        bobs.get_by_role("link", name="Edit", exact=True).click()
        expect(heading(bobs)).to_have_text("Edit task")


def test_where_somebody_points_is_seen_at_once_by_who_comes_back(visit, alice, bob):
    program = a_program(alice)
    a_task(alice, program)
    alices, bobs = (visit(player).go(f"/programs/{program.id}/board") for player in (alice, bob))
    for page, name in ((alices, "Bob"), (bobs, "Alice")):
        expect(page.locator("#main").get_by_text(f"Also here: {name}")).to_be_visible()
    box, cursor = bobs.locator("[data-cursors]").bounding_box(), alices.locator(".cursor")

    def point() -> None:
        """Move about until it is seen, never so long still that it fades."""
        deadline, at = time.monotonic() + PATIENCE / 1000, 0
        while not cursor.count():
            at = (at + 7) % 90
            bobs.mouse.move(box["x"] + at, box["y"] + at)
            assert time.monotonic() < deadline, "It is not seen."

    point()
    alices.get_by_role("link", name="Tasks", exact=True).first.click()
    expect(heading(alices)).to_have_text("Tasks")
    alices.go_back()
    expect(alices.locator("#main").get_by_text("Also here: Bob")).to_be_visible()
    point()
