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

PAGES = ("/account", "/account/password", "/account/sessions", "/account/activity")


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
