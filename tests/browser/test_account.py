"""One's own account in a browser: every page can be used by everybody, with and without scripts."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import expect

from app.core import clock
from tests.browser.axe import violations
from tests.browser.layout import spoiled
from tests.browser.windows import heading
from tests.factories import a_picture
from tests.security.newcomers import newcomer

PAGES = ("/account", "/account/profile", "/account/password", "/account/sessions", "/account/activity")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_account_can_be_used_by_everybody(visit, bob, path):
    window = visit(bob)
    window.page.goto(f"{window.url}{path}")
    expect(heading(window.page)).to_be_visible()
    assert violations(window.page) == []
    assert spoiled(window.page) == []


def test_an_app_is_set_up_from_the_menu_on(visit, bob, script):
    window = visit(bob, script=script)
    page = window.go("/tasks")
    page.get_by_role("link", name="Your account").click()
    expect(heading(page)).to_have_text("Signing in")
    page.get_by_role("button", name="Set up an app").click()
    expect(heading(page)).to_have_text("Set up an app")
    assert not script or (violations(page), spoiled(page)) == ([], [])
    secret = re.sub(r"\s", "", page.locator("code.digest").inner_text())
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(clock.now()))
    page.get_by_role("button", name="Turn it on").click()
    expect(heading(page)).to_have_text("Recovery codes")
    assert page.locator(".codes li").count() == 10
    assert not script or (violations(page), spoiled(page)) == ([], [])
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Remove the app").click()
    expect(page.get_by_text("The authenticator app is removed.")).to_be_visible()


def test_a_picture_is_uploaded_seen_and_removed_again(visit, acme, script):
    window = visit(newcomer(acme), script=script)
    page = window.go("/tasks")
    page.goto(f"{window.url}/account/profile")
    assert page.locator("img").count() == 0
    file = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": a_picture("JPEG", (600, 400))}
    page.get_by_label("A picture of you").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("This is your picture now.")).to_be_visible()
    shown = page.locator(".avatar--large img")
    expect(shown).to_be_visible()
    assert shown.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 256
    assert not script or (violations(page), spoiled(page)) == ([], [])
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.get_by_text("Your picture is removed.")).to_be_visible()
    expect(page.locator(".avatar--large")).to_have_text("D")
    assert page.locator("main img").count() == 0


def test_what_is_no_picture_is_said_beside_the_field(visit, acme, script):
    window = visit(newcomer(acme), script=script)
    page = window.go("/tasks")
    page.goto(f"{window.url}/account/profile")
    file = {"name": "me.png", "mimeType": "image/png", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}
    page.get_by_label("A picture of you").set_input_files(file)
    with window.refusing(422):
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#f-picture-wrong")).to_contain_text("no picture that can be read")


def test_times_are_shown_as_one_has_chosen_them(visit, acme, script):
    window = visit(newcomer(acme), script=script)
    page = window.go("/tasks")
    page.goto(f"{window.url}/account/profile")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_label("How dates are written").select_option("de-CH")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Changes saved.")).to_be_visible()
    page.goto(f"{window.url}/account/activity")
    expect(page.get_by_text("times in the zone Asia/Tokyo")).to_be_visible()
    written = page.locator("time").first
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d", written.inner_text())
    assert written.get_attribute("title").endswith(" UTC")
