"""Going back, coming back, being refused, being late: nothing that was typed is lost, and every page is a whole one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.commands.organisations import update_organisation
from app.commands.tasks import delete_task, move_task, update_task
from app.schemas.organisations import OrganisationChanges
from app.schemas.tasks import Move, TaskChanges
from tests.browser.layout import PHONE, WIDE, spoiled
from tests.browser.windows import Held, heading, heard_out, until
from tests.factories import a_certification, a_program, a_task


def test_back_and_forward_show_whole_pages(visit, alice):
    task = a_task(alice, name="Feed the cat")
    page = visit(alice).go("/tasks")
    page.get_by_role("link", name="Feed the cat").click()
    expect(heading(page)).to_contain_text("Feed the cat")
    page.locator("main summary").click()
    page.get_by_role("button", name="Move to Doing").click()
    expect(page.locator("main summary")).to_contain_text("Doing")
    page.get_by_role("link", name="Edit").click()
    expect(heading(page)).to_have_text("Edit task")
    page.get_by_role("link", name="Certifications").click()
    expect(heading(page)).to_have_text("Certifications")
    for title, section in (("Edit task", "Tasks"), (re.compile("Feed the cat"), "Tasks"), ("Tasks", "Tasks")):
        page.go_back()
        _is_whole(page, title, section)
    page.go_forward()
    _is_whole(page, re.compile("Feed the cat"), "Tasks")
    expect(page).to_have_url(re.compile(f"/tasks/{task.id}$"))
    expect(page.locator("main summary")).to_contain_text("Doing")


def test_back_works_after_forms_and_in_place_actions(visit, alice):
    a_program(alice, name="Operations")
    page = visit(alice).go("/tasks/new")
    page.get_by_label("Name", exact=True).fill("Feed the cat")
    page.get_by_label("Program", exact=True).select_option(label="Operations")
    page.get_by_role("button", name="Create task").click()
    expect(heading(page)).to_contain_text("Feed the cat")
    page.get_by_label("Your comment").fill("Twice a day.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Twice a day.")).to_be_visible()
    page.get_by_role("link", name="Policies").click()
    expect(heading(page)).to_have_text("Policies")
    page.go_back()
    _is_whole(page, re.compile("Feed the cat"), "Tasks")
    expect(page.get_by_text("Twice a day.")).to_be_visible()
    page.go_back()
    _is_whole(page, "New task", "Tasks")


def test_an_address_leads_to_the_same_page_typed_sent_or_reloaded(visit, script, alice):
    a_task(alice, name="Feed the cat")
    a_task(alice, name="Feed the dog")
    page = visit(alice, script=script).go("/tasks")
    page.get_by_label("Words in the name").fill("dog")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=dog"))
    for _ in range(2):
        page.reload()
        expect(page.get_by_role("row")).to_have_count(2)
        expect(page.get_by_label("Words in the name")).to_have_value("dog")
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("row")).to_have_count(3)


@pytest.mark.parametrize("path", ["/tasks/new", "/programs/new", "/tasks/{0.task}/edit", "/tasks/{0.task}/delete"])
def test_who_may_only_look_is_told_so_before_filling_in_a_form(visit, scene, path):
    window = visit(scene.carol)
    with window.refusing(403):
        page = window.go(path.format(scene))
    expect(heading(page)).to_have_text("You may not do this")
    page.get_by_role("link", name="Programs").click()
    expect(heading(page)).to_have_text("Programs")


def test_what_is_gone_is_said_on_a_page_of_the_workspace(visit, script, alice):
    task = a_task(alice, name="Feed the cat")
    window = visit(alice, script=script)
    page = window.go("/tasks")
    delete_task(alice.actor, task.id)
    with window.refusing(404):
        page.get_by_role("link", name="Feed the cat").click()
        expect(heading(page)).to_have_text("Nothing to see here")
    expect(page).to_have_url(re.compile(str(task.id)))
    page.get_by_role("link", name="To the tasks").click()
    expect(heading(page)).to_have_text("Tasks")


def test_a_refused_move_says_why_and_loses_nothing(visit, alice):
    task = a_task(alice)
    window = visit(alice)
    page = window.go(f"/tasks/{task.id}")
    page.get_by_label("Your comment").fill("Half a thought")
    for state in ("doing", "review", "done"):
        move_task(alice.actor, task.id, Move(state=state))
    page.locator("main summary").click()
    with window.refusing(409):
        page.get_by_role("button", name="Move to Doing").click()
        expect(page.locator(".toast")).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_value("Half a thought")
    expect(heading(page)).to_contain_text(task.name)
    page.locator(".toast").get_by_role("button", name="Close").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_what_one_is_writing_survives_an_action_beside_it(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    page.get_by_label("Your comment").fill("Half a thought")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_role("region", name="Assigned to").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_label("Your comment")).to_have_value("Half a thought")


def test_a_menu_stays_open_on_a_page_that_asks_again_every_second(visit, product, alice):
    with product.paused("signer"):
        certification = a_certification(alice, settled=False)
        page = visit(alice, viewport=PHONE).go(f"/certifications/{certification}")
        menu = page.locator("#switch")
        menu.locator("summary").click()
        for _again in range(3):
            with page.expect_response(f"**/certifications/{certification}"):
                pass
        expect(menu).to_have_attribute("open", "")


def test_who_goes_on_before_the_page_they_went_back_to_is_there_stays_where_they_went(visit, alice):
    page = visit(alice).go("/tasks")
    ways = page.get_by_role("navigation", name="Main")
    ways.get_by_role("link", name="Programs").click()
    expect(heading(page)).to_have_text("Programs")
    back = Held(page, "**/tasks")
    page.evaluate("history.back()")
    back.answer()
    ways.get_by_role("link", name="Policies").click()
    expect(heading(page)).to_have_text("Policies")
    back.let_go()
    heard_out(page)
    expect(heading(page)).to_have_text("Policies")
    expect(page).to_have_url(re.compile("/policies$"))


def test_a_page_is_said_to_be_on_its_way_also_where_another_was_given_up_for_it(visit, alice):
    page = visit(alice).go("/tasks")
    ways = page.get_by_role("navigation", name="Main")
    first, second = Held(page, "**/programs"), Held(page, "**/policies")
    ways.get_by_role("link", name="Programs").click()
    assert first.route
    with page.expect_event("requestfailed"):
        ways.get_by_role("link", name="Policies").click()
    heard_out(page)
    expect(page.locator("#main")).to_have_attribute("aria-busy", "true")
    second.let_go()
    expect(heading(page)).to_have_text("Policies")
    expect(page.locator("#main")).not_to_have_attribute("aria-busy", "true")


def test_what_is_written_while_a_comment_is_on_its_way_is_kept(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}")
    field, send = page.get_by_label("Your comment"), page.get_by_role("button", name="Comment", exact=True)
    posted = Held(page, "**/comments")
    field.fill("A thought,\nin two lines")
    send.click()
    assert posted.route
    field.fill("And one\nmore")
    posted.let_go()
    expect(page.locator(".comments > *")).to_have_count(1)
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(field).to_have_value("And one\nmore")
    page.reload()
    expect(field).to_have_value("And one\nmore")
    send.click()
    expect(page.locator(".comments > *")).to_have_count(2)
    expect(field).to_have_value("")


def test_who_saves_second_sees_both_and_decides(visit, script, alice, bob):
    task = a_task(alice, name="Feed the cat")
    window = visit(alice, script=script)
    page = window.go(f"/tasks/{task.id}/edit")
    update_task(bob.actor, task.id, TaskChanges(name="Feed the dog"))
    page.get_by_label("Name", exact=True).fill("Feed the cow")
    with window.refusing(409):
        page.get_by_role("button", name="Save changes").click()
        clash = page.get_by_role("alert")
        expect(clash).to_contain_text("Somebody else saved this while you were editing")
    assert not script or clash.evaluate("e => e === document.activeElement")
    expect(clash.get_by_role("row").filter(has_text="Name")).to_contain_text(re.compile(r"Feed the dog\s+Feed the cow"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("Feed the cow")
    page.get_by_role("button", name="Save changes").click()
    expect(heading(page)).to_contain_text("Feed the cow")


def test_a_draft_is_there_again_after_the_tab_was_closed_and_gone_after_signing_out(visit, alice):
    window = visit(alice)
    path = f"/tasks/{a_task(alice).id}"
    page = window.go(path)
    page.get_by_label("Your comment").fill("Half a thought")
    until(page, "localStorage.length > 0")
    page.close()
    window.page = window.new_page()
    page = window.go(path)
    expect(page.get_by_label("Your comment")).to_have_value("Half a thought")
    expect(page.get_by_text("Restored draft")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(heading(page)).to_have_text("Sign in")
    assert page.evaluate("localStorage.length") == 0


def _is_whole(page: Page, title: str | re.Pattern[str], section: str) -> None:
    expect(heading(page)).to_have_text(title)
    expect(page.get_by_role("navigation", name="Main").locator("[aria-current=page]")).to_have_text(section)
    assert page.locator("main").count() == page.locator("h1").count() == page.locator("header").count() == 1


def test_a_long_name_of_the_organisation_gives_way_to_what_stands_beside_it(visit, alice):
    update_organisation(alice.actor, OrganisationChanges(name="Donaudampfschifffahrtsgesellschaft & Söhne"))
    page = visit(alice).go("/tasks")
    assert spoiled(page) == []
    page.set_viewport_size(WIDE)
    name, menu, frame = (page.locator(f".frame{part}").bounding_box() for part in (" .brand", " .switch", ""))
    assert abs(name["y"] + name["height"] / 2 - menu["y"] - menu["height"] / 2) < 2, "The menu stands beside the name."
    page.locator(".switch summary").click()
    opened = page.locator(".switch .menu__list").bounding_box()
    assert frame["x"] <= opened["x"] and opened["x"] + opened["width"] <= frame["x"] + frame["width"]
