"""The site as an app of one's own machine: it can be installed, and says calmly that there is no network."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.windows import Window, heading, until
from tests.factories import a_task

CONTROLLED = "navigator.serviceWorker.controller !== null"
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  return found;
}"""

PAINTED = "getComputedStyle(document.querySelector('.button--primary')).backgroundColor !== 'rgba(0, 0, 0, 0)'"
LOADED = """...[...document.querySelectorAll("head > script, head > link")].map(
  (each) => each.getAttribute("src") ?? each.getAttribute("href"))"""
SHIPPED = "navigator.serviceWorker.dispatchEvent(new MessageEvent('message', {data: {shipped: [%s]}}))"


def test_a_browser_offers_to_install_it(whole_chromium, product, alice):
    window = Window(whole_chromium, product.url, service_workers="allow")
    window.begin(alice)
    until(window.go("/tasks"), CONTROLLED)
    told = window.context.new_cdp_session(window.page)
    manifest = told.send("Page.getAppManifest")
    assert manifest["errors"] == []
    refusals = told.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in refusals] == ["in-incognito"]  # as every window of a test is
    for icon in json.loads(manifest["data"])["icons"]:
        with urlopen(Request(f"{window.url}{icon['src']}")) as answer:
            assert answer.headers["Content-Type"] == "image/png"
    assert window.end() == []
    window.context.close()


def test_somebody_loses_the_network_and_finds_it_again(visit, alice):
    task = a_task(alice, name="Nobody else's business")
    window = visit(alice, service_workers="allow")
    page = window.go(f"/tasks/{task.id}")
    until(page, CONTROLLED)
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    page.get_by_label("Your comment").fill("Half a sentence")

    with window.offline():
        window.go("/programs")
        expect(heading(page)).to_have_text("No connection")
        assert page.evaluate(PAINTED)
        assert violations(page) == []
        page.get_by_role("link", name="Try again").click()
        expect(heading(page)).to_have_text("No connection")
    expect(heading(page)).to_have_text("Programs")  # by itself, once there is a network again

    window.go(f"/tasks/{task.id}")
    expect(page.get_by_label("Your comment")).to_have_value("Half a sentence")
    window.go("/certifications")
    kept = page.evaluate(KEPT)
    assert "/offline" in kept
    assert [path for path in kept if path != "/offline" and not path.startswith("/static/dist/")] == []

    page.get_by_role("button", name="Sign out").click()
    expect(heading(page)).to_have_text("Sign in")
    until(page, CONTROLLED)  # the sign-in page puts it back; whatever was kept for a person is gone


def test_a_page_of_the_version_before_is_offered_the_new_one(visit, alice):
    """A new version serves every page at once; one that runs the older script stays as it is until it is asked."""
    window = visit(alice, service_workers="allow")
    page = window.go("/tasks")
    until(page, CONTROLLED)
    page.get_by_label("Words in the name").fill("letter")
    page.evaluate(SHIPPED % LOADED)
    expect(page.locator("#toasts")).not_to_contain_text("new version")
    page.evaluate(SHIPPED % "'/static/dist/app.0123456789.js'")
    expect(page.locator("#toasts")).to_contain_text("A new version is ready.")
    expect(page.get_by_label("Words in the name")).to_have_value("letter")
    with page.expect_navigation():
        page.get_by_role("button", name="Reload").click()
    expect(heading(page)).to_have_text("Tasks")
