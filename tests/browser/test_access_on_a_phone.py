"""Who may do what, on a phone: coming in, being let into a program, being refused and told why, and the trail of it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.layout import PHONE, spoiled
from tests.browser.test_ways_in import WORDS, _open_invitation, address, invited  # noqa: F401 a fixture of it
from tests.browser.windows import heading
from tests.factories import a_program


def test_one_is_invited_let_in_refused_and_told_why_and_the_trail_tells_of_it(visit, alice, address, script):  # noqa: F811
    mine, other = (a_program(alice, name=name).id for name in ("Client operations", "Board matters"))
    invited(alice, address)
    newcomers = visit(script=script, viewport=PHONE)
    page = _open_invitation(newcomers, address)
    page.get_by_label("Your name").fill("Ivy Chen")
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("Welcome to").first).to_be_visible()
    is_fine_on_a_phone(newcomers)

    owners = visit(alice, script=script, viewport=PHONE)
    access = owners.go(f"/programs/{mine}/access")
    access.get_by_label("Role", exact=True).select_option(label="Member")
    access.get_by_label("Person", exact=True).select_option(label="Ivy Chen")
    access.get_by_role("button", name="Give role").click()
    expect(access.get_by_role("status").filter(has_text="Ivy Chen has the role “Member”.")).to_be_visible()
    expect(access.locator("tbody tr").filter(has_text="Ivy Chen").filter(has_text="Member")).to_be_visible()
    is_fine_on_a_phone(owners)

    page.goto(owners.at(f"/programs/{mine}/edit"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("Client operations")
    with newcomers.refusing(403):
        page.goto(owners.at(f"/programs/{other}/edit"))
    is_fine_on_a_phone(newcomers)
    page.get_by_role("link", name="Ask why").click()
    expect(heading(page)).to_have_text("Explain access")
    expect(page.get_by_role("main")).to_contain_text("Viewer")
    is_fine_on_a_phone(newcomers)

    trail = owners.go("/audit")
    told = trail.get_by_role("main")
    expect(told.get_by_text(re.compile("gave the role Member to Ivy Chen")).first).to_be_visible()
    is_fine_on_a_phone(owners)


def is_fine_on_a_phone(window):
    """Nothing sticks out or is too small for a finger, and everybody can use it. (What looks at it is a script.)"""
    assert not window.script or (violations(window.page), spoiled(window.page)) == ([], [])
    assert window.page.viewport_size == PHONE
