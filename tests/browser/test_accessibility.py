"""Every page, in every state that it can be in: axe finds nothing in light or dark, and it fits where it is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.commands.tasks import update_task
from app.schemas.tasks import TaskChanges
from tests.browser.axe import violations
from tests.browser.layout import PHONE, spoiled
from tests.browser.scene import PAGES
from tests.browser.windows import heading
from tests.factories import a_task

EMPTY = ("/tasks", "/tasks/new", "/programs", "/certifications", "/trash")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_can_be_used_by_everybody(visit, scene, path):
    _is_fine(visit(scene.alice).go(path.format(scene)))


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_page_can_be_used_by_everybody(visit, scene, path):
    _is_fine(visit(scene.newcomer).go(path))


@pytest.mark.parametrize("path", ["/tasks/{0.task}", "/programs/{0.program}", "/trash"])
def test_a_page_of_who_may_only_look_can_be_used_by_everybody(visit, scene, path):
    _is_fine(visit(scene.carol).go(path.format(scene)))


@pytest.mark.parametrize("path", ["/audit?from=bad&to=bad&to_time=25:00", "/audit?kind=cat&event_type=Moved"])
def test_filters_that_will_not_do_can_be_mended_by_everybody(visit, scene, path):
    window = visit(scene.alice)
    with window.refusing(422):
        window.go(path)
    _is_fine(window.page)


def test_the_sign_in_page_can_be_used_by_everybody(visit):
    window = visit()
    window.page.goto(f"{window.url}/sign-in")
    _is_fine(window.page)
    with window.refusing(422):
        window.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(window.page.get_by_role("alert")).to_be_visible()
    _is_fine(window.page)


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/tasks/new", "Create task"),
        ("/programs/new", "Create program"),
        ("/api-keys/new", "Make key"),
        ("/tasks/{0.task}/certifications/new", "Certify output"),
        ("/certifications/{0.certifications[certified]}/revoke", "Revoke certification"),
        ("/tasks/{0.task}", "Comment"),
    ],
)
def test_a_form_with_errors_can_be_used_by_everybody(visit, scene, path, button):
    window = visit(scene.alice)
    page = window.go(path.format(scene))
    with window.refusing(422):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(page)


def test_two_versions_side_by_side_can_be_read_by_everybody(visit, alice):
    task = a_task(alice)
    window = visit(alice)
    page = window.go(f"/tasks/{task.id}/edit")
    update_task(alice.actor, task.id, TaskChanges(name="Feed the dog", description="Twice."))
    page.get_by_label("Description").fill("Once.")
    with window.refusing(409):
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_fine(page)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/tasks/new", 403), ("/tasks?limit=x", 400)])
def test_an_error_can_be_read_by_everybody(visit, scene, path, status):
    window = visit(scene.carol)
    with window.refusing(status):
        page = window.go(path)
    _is_fine(page)


def test_what_opens_and_what_appears_can_be_used_by_everybody(visit, scene):
    window = visit(scene.alice)
    page = window.go(f"/tasks/{scene.bare_task}")
    page.locator("main summary").click()
    _is_fine(page)
    with window.offline():
        page.get_by_role("button", name="Move to Doing").click()
        expect(page.locator(".toast")).to_contain_text("No connection to the server")
    _is_fine(page)


def test_a_verified_certificate_can_be_read_by_everybody(visit, scene):
    page = visit(scene.alice).go(f"/certifications/{scene.certifications['certified']}")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("button", name="Verify again")).to_be_visible()
    _is_fine(page)


def test_the_navigation_of_a_phone_is_within_reach_and_leads_everywhere(visit, scene):
    page = visit(scene.alice, viewport=PHONE, has_touch=True, is_mobile=True).go("/tasks")
    for name in ("Programs", "Certifications", "Policies", "Tasks"):
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name=name)
        expect(link).to_be_in_viewport()
        link.tap()
        expect(heading(page)).to_have_text(name)
        expect(link).to_have_attribute("aria-current", "page")
    page.locator("#switch summary").tap()
    page.get_by_role("link", name="Trash").tap()  # what is seldom gone to leaves room for longer words
    expect(heading(page)).to_have_text("Trash")
    expect(page.locator("#switch")).not_to_have_attribute("open", "")


def test_states_are_told_apart_without_colours(visit, scene):
    rows = visit(scene.alice).go("/certifications").locator("tbody tr").all()
    assert rows
    for row in rows:
        mark = row.locator(".mark")
        assert mark.inner_text().strip()
        assert mark.locator("svg").count() == 1


def _is_fine(page: Page) -> None:
    expect(heading(page).first).to_be_visible()  # a workspace has one, and each of its panels
    assert violations(page) == []
    assert spoiled(page) == []
