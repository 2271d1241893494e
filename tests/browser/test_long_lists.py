"""A long list grows while one reads on, and whoever comes back finds their place."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from app.commands.programs import update_program
from app.commands.task_assignments import assign_task
from app.commands.tasks import update_task
from app.core import valkey
from app.schemas.programs import ProgramChanges
from app.schemas.tasks import Assignment, TaskChanges
from tests.browser.windows import PATIENCE, Held, heading
from tests.factories import a_program, a_task

BY_THEMSELVES = 5


@pytest.fixture
def many(alice, browser_stage, play_stage):
    """Tasks for nine pages of four, told where the live process of the browser tests listens."""
    valkey.configure(browser_stage.redis_url)
    program = a_program(alice)
    yield [a_task(alice, program, name=f"Task {number}") for number in range(34)][::-1]
    valkey.configure(play_stage.redis_url)


def read_on(page, chunks):
    """Turn the wheel until the list has grown to so many chunks."""
    deadline = time.monotonic() + PATIENCE / 1000
    while page.locator(".chunk").count() < chunks:
        page.mouse.wheel(0, 500)
        assert time.monotonic() < deadline, "It does not grow."


def hold_one_up(page, address="**/tasks?*cursor=*"):
    """Keep the next chunk, or page, that is asked for from coming: its request is in what is given back."""
    held = []

    def keep(route):
        held.append(route)

    page.route(address, keep, times=1)
    return held


def give(giver, task, person):
    assign_task(giver.actor, task.id, Assignment(user_id=person.user_id))


def test_somebody_reads_on_follows_a_row_and_comes_back_to_it(visit, alice, bob, many):
    window = visit(bob, viewport={"width": 1280, "height": 300})
    page = window.go("/tasks?limit=4")
    rows, link = page.locator(".chunk tbody tr"), page.locator(".pages a[rel=next]")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    assert rows.count() == 4  # nothing comes before somebody has moved
    rows.first.hover()
    held = hold_one_up(page)
    page.mouse.wheel(0, 500)
    expect(link).to_have_attribute("aria-busy", "true")
    update_task(alice.actor, many[1].id, TaskChanges(name="Changed at once"))
    expect(page.get_by_role("link", name="Changed at once")).to_be_visible()
    give(alice, many[1], bob)  # all of it is shown anew meanwhile
    expect(page.get_by_role("row", name="Changed at once")).to_contain_text("Bob")
    with window.refusing(429):
        held.pop().fulfill(status=429)  # and what was asked for fails
        read_on(page, BY_THEMSELVES + 1)
    expect(link).to_have_text("Show more")
    names = page.locator(".chunk .list__link")
    assert names.all_text_contents() == [many[0].name, "Changed at once", *(task.name for task in many[2:24])]

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "last=" in request.url else None)
    update_task(alice.actor, many[22].id, TaskChanges(name="Changed meanwhile"))
    expect(page.get_by_role("link", name="Changed meanwhile")).to_be_visible()
    assert (rows.count(), asked) == (24, [])  # the row came along
    give(alice, many[22], bob)
    expect(page.get_by_role("row", name="Changed meanwhile")).to_contain_text("Bob")
    assert 0 < len(asked) < BY_THEMSELVES + 1  # not what cannot be seen

    link.press("Enter")
    expect(page.get_by_role("link", name=many[24].name, exact=True)).to_be_focused()
    held = hold_one_up(page, f"**/tasks/{many[24].id}")
    page.keyboard.press("Enter")
    give(alice, many[24], bob)  # the list is shown anew while one is on the way
    expect(page.get_by_role("row", name=many[24].name)).to_contain_text("Bob")
    held.pop().continue_()
    expect(heading(page)).to_contain_text(many[24].name)
    page.go_back()
    expect(heading(page)).to_have_text("Tasks")
    expect(page.get_by_role("link", name=many[24].name, exact=True)).to_be_focused()
    expect(page.get_by_role("link", name=many[24].name, exact=True)).to_be_in_viewport()
    page.reload()
    expect(page.get_by_role("link", name="Previous")).to_be_visible()


def test_who_could_not_follow_a_row_reads_on_and_reloads_what_they_see(visit, bob, many):
    window = visit(bob, viewport={"width": 1280, "height": 300})
    page = window.go("/tasks?limit=4")
    page.locator(".chunk tbody tr").first.hover()
    read_on(page, 3)
    row = page.get_by_role("link", name=many[4].name, exact=True)
    lost = Held(page, f"**/tasks/{many[4].id}")
    with window.offline(network=True):
        row.click()
        lost.route.abort("internetdisconnected")
        expect(page.get_by_text("No connection to the server.")).to_be_visible()
    page.locator(".chunk tbody tr").last.hover()
    read_on(page, 6)
    page.reload()
    expect(page.locator(".chunk").first).to_be_visible()
    expect(row).to_have_count(0)


def test_a_program_is_followed_on_while_its_tasks_grow(visit, alice, bob, many):
    program = many[0].program_id
    page = visit(bob, viewport={"width": 1280, "height": 300}).go(f"/programs/{program}?limit=4")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    page.locator(".chunk tbody tr").first.hover()
    read_on(page, 3)
    update_program(alice.actor, program, ProgramChanges(name="Renamed"))
    update_task(alice.actor, many[9].id, TaskChanges(name="Changed meanwhile"))
    expect(heading(page)).to_contain_text("Renamed")
    expect(page.get_by_role("link", name="Changed meanwhile")).to_be_attached()
    shown = page.locator(".chunk .list__link").all_text_contents()
    assert len(shown) >= 12
    assert shown[:9] == [task.name for task in many[:9]]


def test_without_scripts_next_leads_to_the_next_page(visit, bob, many):
    page = visit(bob, script=False).go("/tasks?limit=4")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".chunk .list__link")).to_have_text([task.name for task in many[4:8]])
