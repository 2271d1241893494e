"""How much a page sends for: measured by the browser, compressed as it came over the wire."""

from __future__ import annotations

import pytest

from app.commands.task_assignments import assign_task
from app.schemas.tasks import Assignment
from tests.browser.windows import until_quiet
from tests.factories import a_program, a_task

VERBS = ("Draft", "Check", "Rewrite", "Translate", "Publish", "Measure", "Prepare", "Answer", "Collect", "Archive")
THINGS = (
    "the fund letter",
    "the fee table",
    "the complaints of March",
    "the leaflet",
    "the accessibility statement",
    "the photographs",
)


@pytest.fixture
def full_list(alice, bob):
    """More tasks than one page holds, each with words of its own."""
    programs = [a_program(alice, name=f"{thing.removeprefix('the ').capitalize()} of the year") for thing in THINGS]
    for number in range(55):
        name = f"{VERBS[number % 10]} {THINGS[number % 6]} ({number * 7919 % 9973})"
        task = a_task(alice, programs[number % 6], name=name, estimate_minutes=number * 15)
        if number % 3:
            assign_task(alice.actor, task.id, Assignment(user_id=(alice, bob)[number % 2].user_id))


def test_a_full_task_list_is_light(visit, alice, full_list):
    window = visit(alice)
    client = window.context.new_cdp_session(window.page)
    client.send("Network.enable")
    client.send("Network.clearBrowserCache")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    client.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    client.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page = window.go("/tasks")
    until_quiet(page)
    assert page.get_by_role("row").count() == 51

    def weight(kind: str) -> float:
        return sum(size for request, size in sizes.items() if kinds.get(request) == kind)

    assert len(kinds) <= 8
    assert sum(sizes.values()) < 60_000
    assert 0 < weight("Script") < 25_000
    assert 0 < weight("Stylesheet") < 20_000
    assert 0 < weight("Document") < 60_000


def test_the_next_page_sends_for_its_words_only(visit, alice, full_list):
    window = visit(alice)
    page = window.go("/tasks")
    until_quiet(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="Next").click()
    page.get_by_role("row").nth(51 + 1 + 4).wait_for()  # what follows has a heading of its own, and five tasks
    # Chromium looks at the icon again, which it has, whenever the address changes.
    assert len([url for url in asked if "favicon" not in url]) == 1
