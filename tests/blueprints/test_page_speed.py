"""What pages tell of how quick they were comes to those who may see it, and to nobody else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.core import page_speed
from app.web import rate_limits
from tests.doors import ORIGIN


@pytest.fixture
def tell(form):
    """Let the pages of somebody tell of themselves, as a browser does when they are left."""

    def send(player, *views, device="mouse"):
        pages = form(player)
        given = {"device": device, "views": list(views)}
        return pages.client.post(pages.at("/page-speed/views"), json=given, headers=ORIGIN).status_code

    return send


@pytest.fixture
def look(form):
    """Look at how quick pages are."""
    return lambda player, query="": form(player).get(f"/page-speed{query}")


def test_what_pages_tell_is_shown_by_kind_of_page(tell, look, alice, bob):
    assert "Nothing measured yet" in look(alice).text
    slow = {"page": "tasks.show", "lcp": 5200, "inp": 90, "cls": 120, "ttfb": 900}
    assert tell(bob, {"page": "tasks.index", "lcp": 640, "cls": 0}, slow) == 204
    assert tell(bob, slow, device="touch") == 204
    shown = look(alice).text
    assert "/tasks/…" in shown
    assert "Poor: " in shown
    assert "Needs attention: " in shown
    assert "/tasks/…" in look(alice, "?device=touch&days=1").text
    assert ">/tasks<" not in look(alice, "?device=touch&days=1").text


def test_it_tells_programs_the_same(tell, api, alice):
    tell(alice, {"page": "tasks.show", "lcp": 1000, "cls": 500})
    [page] = api(alice).get("/page-speed").json["data"]
    assert (page["page"], page["views"], page["inp"]) == ("tasks.show", 1, None)
    assert page["lcp"]["p75"] == pytest.approx(1000, rel=0.19)
    assert page["cls"]["p75"] == pytest.approx(0.05, rel=0.19)
    assert api(alice).get("/page-speed?days=29").status_code == 400
    assert api(alice).get("/page-speed?device=tv").status_code == 400


def test_nothing_of_it_reaches_another_organisation_or_who_may_not_see_it(tell, look, alice, bob, mallory):
    tell(alice, {"page": "tasks.index", "lcp": 640})
    assert "Nothing measured yet" in look(mallory).text
    assert look(bob).status_code == 404


@pytest.mark.parametrize("page", ["sessions.new", "api.list_tasks", "tasks.create", "no.page"])
def test_only_pages_that_there_are_are_counted(tell, look, alice, page):
    assert tell(alice, {"page": page, "lcp": 640}) == 204
    assert "Nothing measured yet" in look(alice).text


@pytest.mark.parametrize(
    "view",
    [
        {"page": "/o/acme/tasks?q=secret"},
        {"page": "tasks.index|mouse"},
        {"page": "tasks.index", "lcp": -1},
        {"page": "tasks.index", "lcp": 600_001},
        {"page": "tasks.index", "lcp": "640"},
        {"page": "tasks.index", "inp": 1.5},
        {"page": "tasks.index", "url": "/o/acme/tasks"},
        {},
    ],
)
def test_what_no_page_of_ours_would_tell_is_refused(tell, alice, view):
    assert tell(alice, view) == 422


def test_who_tells_too_much_is_let_be_and_not_counted(tell, api, alice, monkeypatch):
    monkeypatch.setattr(rate_limits, "VIEWS_A_MINUTE", 2)
    assert [tell(alice, {"page": "tasks.index", "lcp": 640}) for _ in range(4)] == [204] * 4
    assert api(alice).get("/page-speed").json["data"][0]["views"] == 2


def test_where_the_counts_are_away_pages_go_on_and_the_page_says_so(tell, look, alice, monkeypatch):
    def gone():
        raise ConnectionError

    monkeypatch.setattr(page_speed, "valkey", SimpleNamespace(client=gone))
    assert tell(alice, {"page": "tasks.index", "lcp": 640}) == 204
    assert look(alice).status_code == 503
