"""Dangerous acts in a browser: asked once more who one is, and then where one wanted to be."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.windows import heading
from tests.cast import PASSWORD
from tests.security.newcomers import newcomer
from tests.security.test_account import grow_stale


def test_a_role_of_power_is_given_after_saying_who_one_is(visit, script, acme, carol):
    owner = newcomer(acme, "owner")
    window = visit(owner, script=script)
    page = window.go(f"/people/{carol.user_id}")
    grow_stale(owner)
    page.get_by_label("Role", exact=True).select_option(label="Owner")
    with window.refusing(403):
        page.get_by_role("button", name="Give role").click()
        expect(heading(page)).to_have_text("Is it you?")
    assert not script or violations(page) == []
    with window.refusing(422):
        page.get_by_label("Password").fill("not the right one")
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(heading(page)).to_contain_text("Carol")
    expect(page.get_by_role("table")).to_contain_text("Owner")
    expect(page.get_by_role("status").filter(has_text="Carol has the role “Owner”.")).to_be_visible()


def test_in_a_panel_one_is_asked_there_and_goes_on_there(visit, acme, carol):
    owner = newcomer(acme, "owner")
    window = visit(owner)
    page = window.go(f"/w?p=tasks&p=people/{carol.user_id}")
    address = page.url
    grow_stale(owner)
    asked = page.locator("[data-panel]").last
    asked.get_by_label("Role", exact=True).select_option(label="Admin")
    with window.refusing(403):
        asked.get_by_role("button", name="Give role").click()
        expect(asked.locator("h1")).to_have_text("Is it you?")
    expect(asked.locator("h1")).to_be_focused()
    assert violations(page) == []
    with window.refusing(422):
        asked.get_by_label("Password").fill("not the right one")
        asked.get_by_label("Password").press("Enter")
        expect(asked.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    asked.get_by_label("Password").fill(PASSWORD)
    asked.get_by_role("button", name="Confirm").click()
    expect(asked.locator("h1")).to_contain_text("Carol")
    expect(asked.get_by_role("table")).to_contain_text("Admin")
    expect(page.locator(".toast").filter(has_text="Carol has the role “Admin”.")).to_be_visible()
    expect(page.locator("[data-panel]").first.locator("h1")).to_have_text("Tasks")
    assert page.url == address


def test_what_was_taken_back_elsewhere_is_offered_no_longer(visit, acme):
    page = visit(newcomer(acme, "owner")).go("/settings/close")
    page.get_by_label("Short name").fill(acme.slug)
    page.get_by_role("button", name="Close in 30 days").click()
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".toast").filter(has_text="Acme stays.")).to_be_visible()
    expect(undo).to_have_count(0)


def test_who_gives_up_their_own_role_is_told_so_calmly(visit, script, acme):
    admin = newcomer(acme, "admin")
    window = visit(admin, script=script)
    page = window.go(f"/people/{admin.user_id}/deactivate")
    with window.refusing(404):
        page.get_by_role("button", name="Deactivate").click()
        expect(heading(page)).to_have_text("That is done")
    expect(page.get_by_role("main")).to_contain_text("Dora has no access any more.")
    assert not script or violations(page) == []
    page.get_by_role("link", name="Your organisations").click()
    expect(heading(page)).to_have_text("Your organisations")
