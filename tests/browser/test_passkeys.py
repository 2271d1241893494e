"""Passkeys in a browser, with Chromium's virtual authenticator: made, used in all three places, and removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import update

from app.core import clock
from app.core.database import db
from app.models.user_sessions import UserSession
from tests.browser.axe import violations
from tests.browser.windows import Held, Window, heading, heard_out
from tests.cast import PASSWORD, Organisation, Player
from tests.security.newcomers import newcomer


class Device:
    """The authenticator of a window. It answers at once while somebody has a finger on it."""

    def __init__(self, window: Window) -> None:
        self.devtools = window.context.new_cdp_session(window.page)
        self.devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def touched(self, now: bool) -> None:
        self._set("setAutomaticPresenceSimulation", enabled=now)

    def unlocked(self, now: bool) -> None:
        self._set("setUserVerified", isUserVerified=now)

    def remove(self) -> None:
        self._set("removeVirtualAuthenticator")
        self.devtools.send("WebAuthn.disable")
        self.devtools.detach()

    @property
    def keys(self) -> list[dict[str, Any]]:
        held = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(held["credentials"])

    def _set(self, what: str, **more: Any) -> None:
        self.devtools.send(f"WebAuthn.{what}", {"authenticatorId": self.id} | more)


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose account nobody else looks at."""
    return newcomer(acme)


@pytest.fixture
def seat(visit: Callable[..., Window], dora: Player) -> Any:
    """Dora's window, and the device in it."""
    window = visit(dora)
    device = Device(window)
    yield window, device
    device.remove()


def is_fine(page: Page) -> None:
    """Whether everybody can use the page. (To measure it would take the device away: test_accessibility.py does.)"""
    expect(heading(page)).to_be_visible()
    assert violations(page) == []


def make(window: Window, name: str = "Dora's laptop") -> Page:
    page = window.page
    page.goto(f"{window.url}/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(heading(page)).to_have_text("Add a passkey")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()
    return page


def sign_out(window: Window) -> Page:
    page = window.page
    page.goto(f"{window.url}/account")
    page.get_by_role("button", name="Sign out").click()
    expect(heading(page)).to_have_text("Sign in")
    return page


def touched_for_one_question(window: Window, device: Device) -> None:
    """A finger is there from the next question of the sign-in page until it is answered: no other is answered by it."""

    def when_asked_for(path: str, now: bool) -> None:
        def touch(route: Route) -> None:
            device.touched(now)
            route.continue_()

        window.page.route(f"{window.url}/sign-in/{path}", touch, times=1)

    when_asked_for("passkey/question", True)
    when_asked_for("passkey", False)


def type_password(page: Page, player: Player) -> None:
    page.get_by_label("E-mail").fill(player.actor.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def grow_stale(player: Player) -> None:
    yesterday = clock.now() - timedelta(days=1)
    db.session.execute(update(UserSession).where(UserSession.user_id == player.user_id).values(signed_in_at=yesterday))
    db.session.commit()


def test_a_passkey_is_made_and_signs_one_in_alone(seat):
    window, device = seat
    page = make(window)
    expect(heading(page)).to_have_text("Recovery codes")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".passkey__name")).to_have_text("Dora's laptop")
    is_fine(page)
    device.touched(False)
    page = sign_out(window)
    is_fine(page)
    device.touched(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(heading(page)).to_have_text("Tasks")
    page.goto(f"{window.url}/account")
    expect(page.get_by_text("last used")).to_be_visible()
    expect(page.get_by_text("Signed in with passkey")).to_be_visible()


def test_the_browser_offers_a_passkey_by_itself_where_it_fills_in_names(seat):
    window, _device = seat
    make(window)
    expect(heading(window.page)).to_have_text("Recovery codes")
    window.page.goto(f"{window.url}/account")
    window.page.get_by_role("button", name="Sign out").click()
    expect(heading(window.page)).to_have_text("Tasks")  # nobody has clicked anything: the device was chosen at once


def test_who_looks_elsewhere_while_a_passkey_is_asked_for_signs_in_by_it(seat):
    window, device = seat
    page = make(window)
    expect(heading(page)).to_have_text("Recovery codes")
    device.touched(False)
    with page.expect_response(f"{window.url}/sign-in/passkey/question"):  # the page offers passkeys by itself too
        sign_out(window)
    asked = Held(page, "**/sign-in/passkey/question")
    page.get_by_role("button", name="Sign in with a passkey").click()
    asked.answer()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # and they are back
    heard_out(page)
    device.touched(True)
    asked.let_go()
    expect(heading(page)).to_have_text("Tasks")


def test_a_passkey_is_the_second_step_and_a_locked_device_is_none(seat, dora):
    window, device = seat
    make(window)
    expect(heading(window.page)).to_have_text("Recovery codes")
    device.touched(False)
    page = sign_out(window)
    type_password(page, dora)
    expect(heading(page)).to_have_text("Second step")
    is_fine(page)
    device.touched(True)
    device.unlocked(False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_have_text("No passkey was used. Try again when you are ready.")
    is_fine(page)
    device.unlocked(True)
    page.get_by_role("button", name="Use a passkey").click()
    expect(heading(page)).to_have_text("Tasks")


def test_a_passkey_says_again_who_one_is_and_is_removed(seat, dora):
    window, device = seat
    page = make(window)
    expect(heading(page)).to_have_text("Recovery codes")
    page.goto(f"{window.url}/account")
    page.get_by_role("link", name="Remove Dora's laptop").click()
    expect(heading(page)).to_have_text("Remove this passkey?")
    is_fine(page)
    grow_stale(dora)
    with window.refusing(403):
        page.get_by_role("button", name="Remove the passkey").click()
        expect(heading(page)).to_have_text("Is it you?")
    is_fine(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(heading(page)).to_have_text("Signing in")
    expect(page.get_by_role("link", name="Remove Dora's laptop")).to_have_count(0)
    assert len(device.keys) == 1
    device.touched(False)
    with page.expect_response(f"{window.url}/sign-in/passkey/question"):  # the page offers passkeys by itself too
        sign_out(window)
    touched_for_one_question(window, device)
    with window.refusing(422):
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert").first).to_contain_text("This passkey was not accepted.")


def test_in_a_panel_a_passkey_says_who_one_is_and_one_goes_on_there(visit, acme, carol):
    owner = newcomer(acme, "owner")
    window = visit(owner)
    device = Device(window)
    expect(heading(make(window))).to_have_text("Recovery codes")
    page = window.go(f"/w?p=tasks&p=people/{carol.user_id}")
    address = page.url
    grow_stale(owner)
    asked = page.locator("[data-panel]").last
    asked.get_by_label("Role", exact=True).select_option(label="Admin")
    with window.refusing(403):
        asked.get_by_role("button", name="Give role").click()
        expect(asked.locator("h1")).to_have_text("Is it you?")
    device.unlocked(False)
    asked.get_by_role("button", name="Use a passkey").click()
    expect(asked.get_by_role("alert")).to_have_text("No passkey was used. Try again when you are ready.")
    assert violations(page) == []
    device.unlocked(True)
    asked.get_by_role("button", name="Use a passkey").click()
    expect(asked.locator("h1")).to_contain_text("Carol")
    expect(asked.get_by_role("table")).to_contain_text("Admin")
    expect(page.locator("[data-panel]").first.locator("h1")).to_have_text("Tasks")
    assert page.url == address
    device.remove()


def test_a_device_that_holds_a_passkey_already_makes_no_second_one(seat):
    window, device = seat
    make(window)
    expect(heading(window.page)).to_have_text("Recovery codes")
    page = make(window, "Once more")
    expect(page.get_by_role("alert")).to_have_text("This device holds a passkey of yours already.")
    is_fine(page)
    assert len(device.keys) == 1


def test_a_passkey_without_a_name_is_not_even_made(seat):
    window, device = seat
    page = make(window, "")
    expect(page.get_by_label("Name")).to_be_focused()
    assert device.keys == []


def test_a_passkey_is_renamed(seat):
    window, _device = seat
    page = make(window)
    expect(heading(page)).to_have_text("Recovery codes")
    page.goto(f"{window.url}/account")
    page.get_by_role("link", name="Rename Dora's laptop").click()
    expect(heading(page)).to_have_text("Rename the passkey")
    is_fine(page)
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Save the name").click()
    expect(page.locator(".passkey__name")).to_have_text("Blue key")


def test_without_scripts_the_pages_say_what_is_missing(visit, dora):
    window = visit(dora, script=False)
    window.page.goto(f"{window.url}/account")
    window.page.get_by_role("button", name="Add a passkey").click()
    expect(window.page.get_by_text("Adding a passkey needs JavaScript.")).to_be_visible()
    expect(window.page.get_by_role("button", name="Make the passkey")).to_be_hidden()
    nobody = visit(script=False)
    nobody.page.goto(f"{nobody.url}/sign-in")
    expect(nobody.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()


def test_what_asks_for_passkeys_is_loaded_where_it_is_needed_only(visit, dora):
    window = visit(dora)
    loaded: list[str] = []
    window.page.on("request", lambda request: loaded.append(request.url))
    window.go("/tasks")
    window.page.goto(f"{window.url}/account")
    window.page.wait_for_load_state("networkidle")
    assert not [url for url in loaded if "/passkeys." in url]
    with window.page.expect_request(lambda request: "/passkeys." in request.url):
        window.page.get_by_role("button", name="Add a passkey").click()
