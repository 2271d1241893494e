"""How quick pages are: their browsers tell it by themselves, and whoever runs the organisation sees it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.windows import heading, until
from tests.factories import a_task


def test_somebody_works_and_whoever_runs_the_organisation_sees_how_quick_it_was(visit, alice, bob):
    task = a_task(alice, name="Draft the letter")
    told: list[str] = []
    window = visit(bob)
    page = window.new_page()
    page.on("request", lambda request: told.append(request.post_data or "") if "page-speed" in request.url else None)
    page.goto(window.at("/tasks"))
    until(page, "performance.getEntriesByType('resource').some((each) => each.name.includes('/vitals.'))")
    page.get_by_role("link", name="Draft the letter").click()
    expect(heading(page)).to_contain_text("Draft the letter")
    page.get_by_label("Your comment").fill("Nobody else's business")
    page.evaluate("""() => {
      Object.defineProperty(document, 'hidden', { value: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    overview = visit(alice)
    row = overview.page.get_by_role("row")
    for kind in ("/tasks", "/tasks/…"):
        overview.go("/page-speed")
        expect(row.filter(has=overview.page.get_by_role("cell", name=kind, exact=True))).to_be_visible()
    first = row.filter(has=overview.page.get_by_role("cell", name="/tasks", exact=True))
    expect(first.get_by_text("Good: ").first).to_be_attached()
    assert told
    for secret in ("Nobody", str(task.id), "letter", bob.organisation.slug):
        assert not any(secret in each for each in told)
