"""A session that ends elsewhere: nothing that was typed is lost, and nothing is left for whoever comes by."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.commands import sessions
from app.core.actor import Visitor
from app.core.database import db
from app.models.user_sessions import UserSession
from app.web.stored_sessions import token_hash
from tests.browser.windows import heading
from tests.cast import PASSWORD
from tests.factories import a_task

pytestmark = pytest.mark.usefixtures("within_earshot")


def sign_out_elsewhere(player) -> None:
    row = db.session.scalars(select(UserSession.id).where(UserSession.token_hash == token_hash(player.cookie))).one()
    sessions.end_session(Visitor(), row)


def sign_in(page: Page, player) -> None:
    page.get_by_label("E-mail").fill(player.actor.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def unheard(window, path) -> Page:
    """Open a page that hears nothing, though it thinks that it does: it is still there when somebody acts on it."""
    page = window.new_page()
    page.route_web_socket("**/*", lambda socket: None)
    page.goto(window.at(path))
    return page


def test_what_was_open_asks_who_is_there_and_leads_back_with_what_was_typed(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice, name='Feed the cat').id}/edit")
    page.get_by_label("Name", exact=True).fill("Feed the dog")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    sign_out_elsewhere(alice)
    expect(heading(page)).to_have_text("Sign in")
    assert "Feed the cat" not in page.content()
    sign_in(page, alice)
    expect(heading(page)).to_have_text("Edit task")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Feed the dog")


def test_what_is_typed_that_is_no_draft_waits_until_one_has_signed_in_beside_it(visit, alice):
    page = visit(alice).go(f"/tasks/{a_task(alice).id}/certifications/new")
    page.get_by_label("Output", exact=True).fill("We do our best for you.")
    page.get_by_label("Provider").fill("anthropic")
    page.get_by_role("textbox", name="Model").fill("small-1")
    page.get_by_role("textbox", name=re.compile("^Input")).fill("How do I cancel?")
    page.get_by_role("radio", name="General").check()
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    sign_out_elsewhere(alice)
    expect(page.locator("#live-state")).to_contain_text("Signed out")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in").click()
    sign_in(opened.value, alice)
    expect(heading(opened.value)).to_have_text("Tasks")
    page.get_by_role("button", name="Certify output").click()
    expect(heading(page)).to_have_text(re.compile("^RC-"))
    expect(page.locator("#live-state[data-state=on][data-line=open]")).to_be_attached()


def test_who_was_signed_out_elsewhere_signs_in_and_is_back_with_what_was_typed(visit, alice):
    task = a_task(alice, name="Feed the cat")
    window = visit(alice)
    page = unheard(window, f"/tasks/{task.id}")
    page.get_by_label("Your comment").fill("Half a thought")
    sign_out_elsewhere(alice)
    with window.refusing(401):
        page.get_by_role("link", name="History").click()
        expect(heading(page)).to_have_text("Sign in")
    sign_in(page, alice)
    expect(heading(page)).to_have_text("History")
    page.get_by_role("link", name="Feed the cat").click()
    expect(page.get_by_label("Your comment")).to_have_value("Half a thought")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Your comment")).to_have_value("")


def test_an_action_after_the_session_has_ended_leads_to_thesign_in_page(visit, script, alice):
    task = a_task(alice, name="Feed the cat")
    window = visit(alice, script=script)
    page = unheard(window, f"/tasks/{task.id}")
    sign_out_elsewhere(alice)
    page.locator("main summary").click()
    with window.refusing(*([401] if script else [])):
        page.get_by_role("button", name="Move to Doing").click()
        expect(heading(page)).to_have_text("Sign in")
    assert alice.task(task.id).state.key == "todo"
