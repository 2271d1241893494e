"""Pages beside each other: each is what it is by itself, and none tells more than it would."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.web.panel_markup import set_apart
from tests.factories import a_program, a_task
from tests.markup import fragment, page

IN_A_PANEL = {"X-Panel": "p7", "HX-Request": "true", "HX-Request-Type": "full"}


@pytest.fixture
def work(alice):
    program = a_program(alice)
    return program, a_task(alice, program, name="Draft the letter"), a_task(alice, program, name="Check the table")


def panels(answer):
    """The panels of a workspace by what they show."""
    return {each["data-path"]: each for each in page(answer).all("section") if "data-panel" in each.attributes}


def test_two_panels_of_one_kind_have_ids_of_their_own_and_everything_refers_to_its_own(form, alice, work):
    _program, first, second = work
    shown = page(form(alice).get(f"/w?p=tasks/{first.id}&p=tasks/{second.id}&p=tasks/new"))
    ids = shown.ids
    assert len(ids) == len(set(ids))
    assert {f"p1-task-{first.id}", f"p2-task-{second.id}", "p3-f-name"} <= set(ids)
    referring = ("for", "aria-labelledby", "aria-describedby", "aria-controls")
    named = [name for each in shown for attribute in referring for name in each.attributes.get(attribute, "").split()]
    assert len(named) > 20
    assert set(named) <= set(ids)


def test_opening_a_panel_answers_with_that_panel_alone(form, alice, work):
    task = work[1]
    answer = form(alice).get(f"/tasks/{task.id}", headers=IN_A_PANEL)
    root = fragment(answer)
    assert (root["id"], root["data-path"]) == ("p7-panel", f"tasks/{task.id}")
    assert root["data-title"].endswith(" Draft the letter")  # without the name of the organisation
    assert "<main" not in answer.text
    assert f'id="p7-task-{task.id}"' in answer.text
    assert root["hx-boost:inherited"].startswith("target:#p7-panel select:#p7-panel ")
    assert "X-Panel" in answer.headers["Vary"]


def test_a_part_of_a_panel_is_set_apart_as_well(htmx, alice, work):
    answer = htmx(alice).get(f"/tasks/{work[1].id}", headers={"X-Panel": "p7"})
    assert answer.text.lstrip().startswith(f'<article class="divided" id="p7-task-{work[1].id}"')


def test_without_a_script_every_step_is_a_link_through_the_workspace(form, alice, work):
    program, task, _other = work
    both = panels(form(alice).get(f"/w?p=programs/{program.id}&p=tasks/{task.id}&s=40,60"))
    first, second = both[f"programs/{program.id}"], both[f"tasks/{task.id}"]
    at = form(alice).at
    assert first.one("a", **{"data-act": "close"})["href"] == at(f"/w?p=tasks/{task.id}")
    swapped = at(f"/w?p=tasks/{task.id}&p=programs/{program.id}&s=60,40")
    assert first.one("a", **{"data-act": "after"})["href"] == swapped
    assert second.one("a", **{"data-act": "before"})["href"] == swapped
    assert not second.all("a", **{"data-act": "after"})
    (history,) = [each for each in second.all("a") if each.text == "History"]
    assert history["href"] == at(f"/w?p=programs/{program.id}&p=tasks/{task.id}/history&s=40,60")
    assert history["data-href"] == at(f"/tasks/{task.id}/history")


def test_what_may_not_be_seen_says_the_same_as_what_is_not_there(form, carol, alice, mallory, work):
    task = work[1]
    secret = a_task(mallory, a_program(mallory), name="Buy out acme")
    hidden = [f"tasks/{secret.id}", f"tasks/{uuid4()}", f"tasks/{task.id}/edit", "nowhere", "w", "account"]
    path = "&".join(f"p={each}" for each in (*hidden[:5], f"tasks/{task.id}"))
    answer = form(carol).get(f"/w?{path}")
    assert answer.status_code == 200
    shown = panels(answer)
    words = {shown[each].text for each in hidden[:5]}
    assert len(words) == 1
    assert "Either it is not there, or you may not see it." in words.pop()
    assert "Draft the letter" in shown[f"tasks/{task.id}"].text
    assert "Buy out acme" not in answer.text
    alone = [form(carol).get(f"/{each}", headers=IN_A_PANEL) for each in hidden[:5]]
    assert {each.status_code for each in alone} == {404}
    assert len({each.text.replace(f'data-path="{path}"', "") for each, path in zip(alone, hidden, strict=False)}) == 1


def test_a_panel_that_may_not_be_seen_any_more_is_taken_away_whole(htmx, mallory, alice, work):
    """Its name stands in its head, which the part that asks again does not reach."""
    secret = a_task(mallory, a_program(mallory))
    answer = htmx(alice).get(f"/tasks/{secret.id}", headers={"X-Panel": "p7"})
    assert (answer.status_code, answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (
        404,
        "#p7-panel",
        "outerSync",
    )
    assert 'id="p7-panel"' in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"p=tasks?q={number}" for number in range(7)),
        "p=//evil.example",
        "p=../globex/tasks",
        "p=a b",
        "ws=1",
        "x=1",
    ],
)
def test_what_is_no_layout_is_refused(form, alice, query):
    assert form(alice).get(f"/w?{query}").status_code == 400


def test_a_page_that_is_named_twice_is_shown_once(form, alice):
    assert list(panels(form(alice).get("/w?p=tasks&p=programs&p=tasks&s=1,2,3"))) == ["tasks", "programs"]


def test_the_first_byte_says_how_many_there_will_be_and_how_wide_so_that_none_is_drawn_wider(form, alice):
    shown = page(form(alice).get("/w?p=tasks&p=programs&p=users&s=50,20,20"))
    assert shown.by_id("workspace")["data-panels"] == "3"
    widths = [int(each["data-w"]) for each in shown.all("div") if "data-w" in each.attributes]
    assert widths == [56, 22, 22]  # of a hundred: what comes first leaves room for the others
    lopsided = page(form(alice).get("/w?p=tasks&p=programs&s=99,1"))
    assert [each["data-w"] for each in lopsided.all("div") if "data-w" in each.attributes] == ["90", "10"]


def test_a_workspace_counts_as_one_request_and_each_panel_costs_what_its_page_costs(form, alice, work, count_queries):
    door = form(alice)
    address = f"/w?p=tasks&p=tasks/{work[1].id}&p=programs/{work[0].id}/board"
    before = door.get("/w")
    after = door.get(address)
    left = [int(each.headers["RateLimit"].split("r=")[1].split(";")[0]) for each in (before, after)]
    assert left[0] - left[1] == 1
    assert count_queries(lambda: door.get(address)) <= 3 + 7 + 8 + 9


def test_what_is_to_be_said_is_said_once(form, alice, work):
    door = form(alice)
    door.comment_on_task(work[1].id, body="Nearly.")
    answer = door.get(f"/w?p=tasks/{work[1].id}&p=tasks")
    assert answer.text.count('class="notice notice--said') == 1


@pytest.mark.parametrize(
    ("markup", "apart"),
    [
        ('<p id="a" aria-labelledby="b  c">', '<p id="p1-a" aria-labelledby="p1-b p1-c">'),
        ('<a href="#a">x</a>', '<a href="#p1-a">x</a>'),
        ('<a href="/o/x/tasks?q=1#a">', '<a href="/o/x/tasks?q=1#p1-a">'),
        ('<a href="https://example.com/#a">', '<a href="https://example.com/#a">'),
        ('<use href="/static/icons.svg#check"/>', '<use href="/static/icons.svg#check"/>'),
        ('<form hx-target:inherited="#a" hx-get="/b#c">', '<form hx-target:inherited="#p1-a" hx-get="/b#c">'),
        ('<p data-x=\'{"id": "a"}\' id="b">', '<p data-x=\'{"id": "a"}\' id="p1-b">'),
        ('<p>Write id="a" and &lt;p id="b"&gt;.</p>', '<p>Write id="a" and &lt;p id="b"&gt;.</p>'),
        ('<h1 tabindex="-1">x</h1><h3>y</h3>', '<h1 tabindex="-1" aria-level="2">x</h1><h3 aria-level="4">y</h3>'),
        (
            '<nav aria-label="Breadcrumb"><section aria-labelledby="a">',
            '<nav aria-label="Breadcrumb" id="p1-landmark-3209571029" aria-labelledby="p1-landmark-3209571029 '
            'p1-panel-title"><section aria-labelledby="p1-a p1-panel-title">',
        ),
        ('<p title="a > b" id="c">', '<p title="a > b" id="p1-c">'),
        ('<input value=\' id="a"\' list="b">', '<input value=\' id="a"\' list="p1-b">'),
    ],
)
def test_ids_are_set_apart_and_nothing_else(markup, apart):
    assert set_apart(markup, "p1") == apart
