"""One's own account in a browser: every page can be used by everybody, with and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from app.core import clock
from app.core.database import db
from app.models.passkeys import Passkey
from app.models.user_sessions import UserSession
from tests.browser.axe import violations
from tests.browser.layout import spoiled
from tests.browser.windows import heading
from tests.cast import PASSWORD, Organisation, Player
from tests.factories import a_passkey, a_picture, an_app
from tests.security.newcomers import newcomer

PAGES = ("/account", "/account/profile", "/account/password", "/account/sessions", "/account/activity")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_account_can_be_used_by_everybody(visit, bob, path):
    window = visit(bob)
    window.page.goto(f"{window.url}{path}")
    expect(heading(window.page)).to_be_visible()
    assert violations(window.page) == []
    assert spoiled(window.page) == []


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose account nobody else looks at."""
    return newcomer(acme)


ABOUT_PASSKEYS = ("/account", "/account/passkeys/new", "/account/passkeys/{}/edit", "/account/passkeys/{}/delete")


@pytest.mark.parametrize("path", ABOUT_PASSKEYS)
def test_a_page_about_passkeys_can_be_used_by_everybody(visit, dora, path):
    key = a_passkey(dora, "A name that is so long that it has to be broken somewhere, or else nothing fits any more")
    suspected = a_passkey(dora, "Phone")
    db.session.execute(update(Passkey).where(Passkey.id == suspected).values(suspected_at=clock.now()))
    db.session.commit()
    window = visit(dora)
    window.page.goto(f"{window.url}{path.format(key)}")
    assert urlsplit(window.page.url).path == path.format(key)
    expect(heading(window.page)).to_be_visible()
    assert violations(window.page) == []
    assert spoiled(window.page) == []


WAYS = {"an app": (an_app,), "a passkey": (a_passkey,), "both": (an_app, a_passkey)}


@pytest.mark.parametrize("ways", WAYS)
def test_the_second_step_can_be_used_by_everybody(visit, dora, ways):
    for way in WAYS[ways]:
        way(dora)
    window = visit()
    page = window.page
    page.goto(f"{window.url}/sign-in")
    page.get_by_label("E-mail").fill(dora.actor.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(heading(page)).to_have_text("Second step")
    expect(page.get_by_role("button", name="Use a passkey")).to_have_count(WAYS[ways].count(a_passkey))
    assert violations(page) == []
    assert spoiled(page) == []
    with window.refusing(422):
        page.get_by_role("textbox").fill("000000")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert").first).to_be_visible()
    assert violations(page) == []
    assert spoiled(page) == []


@pytest.mark.parametrize("ways", [*WAYS, "the password alone"])
def test_the_question_who_one_is_can_be_used_by_everybody(visit, dora, ways):
    for way in WAYS.get(ways, ()):
        way(dora)
    window = visit(dora)
    page = window.page
    page.goto(f"{window.url}/account")
    mine = update(UserSession).where(UserSession.user_id == dora.user_id)
    db.session.execute(mine.values(signed_in_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    with window.refusing(403):
        page.get_by_role("button", name="Add a passkey").click()
        expect(heading(page)).to_have_text("Is it you?")
    assert violations(page) == []
    assert spoiled(page) == []
    with window.refusing(422):
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("alert").first).to_be_visible()
    assert violations(page) == []
    assert spoiled(page) == []


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


def test_times_and_pages_are_as_one_has_chosen_them(visit, acme, script):
    window = visit(newcomer(acme), script=script)
    page = window.go("/tasks")
    page.goto(f"{window.url}/account/profile")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_label("How dates are written").select_option("de-CH")
    page.get_by_role("radio", name="Compact").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Änderungen gespeichert.")).to_be_visible()
    expect(page.locator("html[lang=de][data-density=compact]")).to_be_attached()  # all of the page, not what is swapped
    page.goto(f"{window.url}/account/activity")
    expect(page.get_by_text("Zeiten in der Zone Asia/Tokyo")).to_be_visible()
    written = page.locator("time").first
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d", written.inner_text())
    assert written.get_attribute("title").endswith(" UTC")
