"""A new key in a browser: chosen, shown once, copied by a button."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import violations


def test_a_key_is_made_shown_and_copied(visit, scene):
    window = visit(scene.alice)
    page = window.go("/api-keys")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name", exact=True).fill("Nightly")
    page.get_by_label("Everything that I may").check()
    expect(page.get_by_role("group", name="Programs")).to_be_hidden()
    page.get_by_label("What I choose").check()
    page.get_by_label("See programs").check()
    page.get_by_role("button", name="Make key").click()
    secret = page.get_by_label("Nightly")
    expect(secret).to_have_value(re.compile("^ovk_live_"))
    assert violations(page) == []
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret.input_value()
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("table")).to_contain_text("Nightly")
