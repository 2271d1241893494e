"""The pages outside an organisation, by which people come in: everybody can use them, with and without scripts."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from app.commands.invitations import invite_person
from app.commands.tenants import create_member
from app.core.ids import new_token
from app.schemas.invitations import NewInvitation
from app.schemas.tenants import NewMember
from tests.browser.axe import violations
from tests.browser.layout import PHONE, spoiled
from tests.browser.windows import PATIENCE, heading
from tests.cast import PASSWORD, found, system
from tests.running import BREATH

WORDS = "plum anvil quiet harbour"


@pytest.fixture
def address():
    """An address that nobody else has."""
    return f"ivy-{new_token()[:8].lower()}@elsewhere.example"


def invited(player, address):
    invite_person(player.actor, NewInvitation(email=address, access_role_id=player.organisation.roles["viewer"]))


def test_an_organisation_is_signed_up_for(visit, address, script):
    window = visit(script=script)
    page = window.page
    page.goto(f"{window.url}/sign-in")
    page.get_by_role("link", name="Make a new organisation").click()
    _is_fine(window, "New organisation")
    with window.refusing(422):
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(window, "New organisation")
    name = f"Initech {address[4:12]}"
    for label, text in (("Name of the organisation", name), ("Your name", "Ivy"), ("E-mail", address)):
        page.get_by_label(label).fill(text)
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Sign up").click()
    _is_fine(window, "Check your mail")
    _open_mail(window, address)
    _is_fine(window, f"Confirm your address for {name}")
    page.locator(".prose").get_by_role("link").click()
    _is_fine(window, "Confirm your address")
    page.get_by_role("button", name="Confirm and make it").click()
    _is_fine(window, f"{name} is ready")
    page.get_by_role("link", name="Sign in", exact=True).click()
    _sign_in(page, address, WORDS)
    expect(heading(page)).to_have_text("Tasks")
    page.goto(page.url.replace("/tasks", "/people"))
    expect(page.locator("tbody")).not_to_contain_text("Not seen yet")


def test_an_invitation_is_accepted_with_a_new_account(visit, alice, address, script):
    invited(alice, address)
    window = visit(script=script)
    page = _open_invitation(window, address)
    _is_fine(window, re.compile("^Join "))
    with window.refusing(422):
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(window, re.compile("^Join "))
    used = page.url
    page.get_by_label("Your name").fill("Ivy")
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("Welcome to").first).to_be_visible()
    with window.refusing(404):
        page.goto(used)
    expect(page.get_by_text("cannot be used any more")).to_be_visible()
    _is_fine(window, "Nothing to see here")


def test_an_invitation_is_accepted_with_an_account_that_one_has(visit, alice, address, script):
    other = found("globex")
    create_member(system(other), NewMember(email=address, name="Ivy", password=PASSWORD, role="member"))
    invited(alice, address)
    window = visit(script=script)
    page = _open_invitation(window, address)
    _is_fine(window, re.compile("^Join "))
    page.get_by_role("link", name="Sign in", exact=True).click()
    _sign_in(page, address, PASSWORD)
    _is_fine(window, re.compile("^Join "))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("Welcome to").first).to_be_visible()
    page.goto(f"{window.url}/organisations")
    _is_fine(window, "Your organisations")
    page.get_by_role("link", name=other.name).first.click()
    expect(heading(page)).to_have_text("Tasks")


def test_somebody_else_who_is_signed_in_is_told_so(visit, alice, carol, address):
    invited(alice, address)
    window = visit(carol)
    page = _open_invitation(window, address)
    _is_fine(window, re.compile("^Join "))
    page.get_by_role("button", name="Sign out").click()
    expect(heading(page)).to_have_text("Sign in")


def test_a_forgotten_password_is_set_anew_by_a_mail_on_a_phone(visit, alice, address, script):
    new = NewMember(email=address, name="Ivy", password=PASSWORD, role="member")
    create_member(system(alice.organisation), new)
    window = visit(script=script, viewport=PHONE)
    page = window.page
    page.goto(f"{window.url}/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    _is_fine(window, "Forgotten your password?")
    with window.refusing(422):
        page.get_by_role("button", name="Send link").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(window, "Forgotten your password?")
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("button", name="Send link").click()
    _is_fine(window, "Check your mail")
    _open_mail(window, address)
    _is_fine(window, "Set a new password for Oversing")
    void = page.locator(".prose").get_by_role("link").get_attribute("href")
    page.locator(".prose").get_by_role("link").click()
    _is_fine(window, "New password")
    assert page.url == f"{window.url}/new-password"
    page.get_by_label("New password").fill("password1234")
    with window.refusing(422):
        page.get_by_role("button", name="Set password").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(window, "New password")
    page.get_by_label("New password").fill(WORDS)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    _is_fine(window, "Sign in")
    _sign_in(page, address, WORDS)
    expect(heading(page)).to_have_text("Tasks")
    with window.refusing(404):
        page.goto(f"{window.url}{void}")
    expect(page.get_by_text("This link cannot be used any more")).to_be_visible()
    _is_fine(window, "Forgotten your password?")
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("button", name="Send link").click()
    expect(heading(page)).to_have_text("Check your mail")


def _open_mail(window, address):
    """Look into the mails until there is one for this address, and open it."""
    deadline = time.monotonic() + PATIENCE / 1000
    mail = window.page.get_by_role("listitem").filter(has_text=address).get_by_role("link").first
    while not mail.count():
        assert time.monotonic() < deadline, "No mail came."
        BREATH.wait(0.1)
        window.page.goto(f"{window.url}/mail")
    _is_fine(window, "Mails of this machine")
    mail.click()


def _open_invitation(window, address):
    _open_mail(window, address)
    window.page.locator(".prose").get_by_role("link").click()
    return window.page


def _sign_in(page, address, password):
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _is_fine(window, title):
    """The page has come, and everybody can use it. (What looks at it is a script itself.)"""
    expect(heading(window.page)).to_have_text(title)
    assert not window.script or (violations(window.page), spoiled(window.page)) == ([], [])
