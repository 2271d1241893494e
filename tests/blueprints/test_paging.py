"""Walking through lists page by page, by the links that they give."""

from __future__ import annotations

import pytest

from app.commands.programs import create_program
from app.commands.task_comments import comment_on_task
from app.commands.tasks import create_task, delete_task
from app.schemas.programs import NewProgram
from app.schemas.tasks import NewComment, NewTask
from tests.doors import Json
from tests.factories import a_certification, a_program, a_task
from tests.markup import tree
from tests.trail import custody


def shown(door, address):
    """What a page of a list shows, and where its neighbours are: the same of HTML and JSON."""
    answer = door.client.get(address, headers=door.headers)
    assert answer.status_code == 200
    if isinstance(door, Json):
        links = answer.json["links"]
        return [row["name"] for row in answer.json["data"]], links["next"], links["prev"]
    table, nav = tree(answer.text), {}
    for link in table.all("a", rel="next") + table.all("a", rel="prev"):
        nav[link["rel"]] = link["href"]
    return [link.text for link in table.all("a", class_="list__link")], nav.get("next"), nav.get("prev")


def start(door, path):
    return f"/api/v1{path}" if isinstance(door, Json) else door.at(path)


def walk(door, address, way, after=lambda: None):
    """Every name from here on in one direction (1 = next, 2 = prev), page by page."""
    pages = []
    while address is not None:
        told = shown(door, address)
        pages.append(told[0])
        address = told[way]
        after()
    return pages


def make_tasks(alice, program, *names):
    for name in names:
        create_task(alice.actor, NewTask(program_id=program.id, name=name))


def test_every_task_is_seen_once_on_the_way_down_and_up_while_others_come(door, alice):
    program = a_program(alice)
    old = [f"Old {number}" for number in range(11)]
    make_tasks(alice, program, *old)
    fresh = iter(range(100))
    down = walk(door(alice), start(door(alice), "/tasks?limit=3"), 1,
                after=lambda: make_tasks(alice, program, f"New {next(fresh)}"))  # fmt: skip
    assert [name for names in down for name in names] == old[::-1]
    assert [len(names) for names in down] == [3, 3, 3, 2]
    # And back up, from the last page: everything again, the new ones too, each once.
    door_, address = door(alice), start(door(alice), "/tasks?limit=3")
    while address is not None:
        last, (_names, address, _prev) = address, shown(door_, address)
    up = [name for names in reversed(walk(door_, last, 2)) for name in names]
    assert sorted(up) == sorted(set(up))
    assert up == [f"New {number}" for number in range(3, -1, -1)] + old[::-1]


def test_every_program_is_seen_once_while_others_go(door, alice, form):
    programs = [create_program(alice.actor, NewProgram(key=f"K{n}X", name=f"Program {n}")) for n in range(7)]
    going = iter([programs[6], programs[5]])  # from pages that were seen already

    def one_goes():
        if (program := next(going, None)) is not None:
            form(alice).delete_program(program.id)

    seen = walk(door(alice), start(door(alice), "/programs?limit=2"), 1, after=one_goes)
    assert [name for names in seen for name in names] == [f"Program {n}" for n in range(6, -1, -1)]


def test_the_links_keep_the_filters(door, alice):
    program, other = a_program(alice), a_program(alice)
    for number in range(5):
        make_tasks(alice, program, f"Wanted {number}", f"Other {number}")
        make_tasks(alice, other, f"Wanted elsewhere {number}")
    name = "program_id" if isinstance(door(alice), Json) else "program"
    seen = walk(door(alice), start(door(alice), f"/tasks?{name}={program.id}&q=wanted&state=todo&limit=2"), 1)
    assert seen == [["Wanted 4", "Wanted 3"], ["Wanted 2", "Wanted 1"], ["Wanted 0"]]


def test_the_first_page_has_no_previous_and_the_last_no_next(door, alice):
    make_tasks(alice, a_program(alice), *"abcd")
    names, onwards, back = shown(door(alice), start(door(alice), "/tasks?limit=2"))
    assert (names, back) == (["d", "c"], None)
    names, onwards, back = shown(door(alice), onwards)
    assert (names, onwards) == (["b", "a"], None)
    names, _onwards, back = shown(door(alice), back)
    assert (names, back) == (["d", "c"], None)


def test_a_page_that_has_run_empty_leads_back_to_the_first(door, alice):
    program = a_program(alice)
    tasks = [a_task(alice, program, name=name) for name in "abc"]
    _names, onwards, _back = shown(door(alice), start(door(alice), "/tasks?state=todo&limit=2"))
    delete_task(alice.actor, tasks[0].id)
    answer = door(alice).client.get(onwards, headers=door(alice).headers)
    first = start(door(alice), "/tasks?state=todo&limit=2")
    if isinstance(door(alice), Json):
        assert answer.json["data"] == []
        assert answer.json["links"]["prev"] == first
    else:
        assert "No more tasks" in answer.text


def test_a_long_chain_of_custody_is_walked_whole_in_both_directions(api, form, alice):
    certification_id = a_certification(alice)
    path = f"/certifications/{certification_id}/audit"
    whole = [(row.sequence, row.event_type) for row in custody(certification_id)]
    assert len(whole) == 5

    def told(address):
        answer = api(alice).client.get(address, headers=api(alice).headers).json
        rows = [(row["sequence"], row["event_type"]) for row in answer["data"]]
        return rows, answer["links"]["next"], answer["links"]["prev"]

    seen, address, last = [], f"/api/v1{path}?limit=2", None
    while address is not None:
        last, (rows, address, _prev) = address, told(address)
        seen.append(rows)
    assert seen == [whole[:2], whole[2:4], whole[4:]]
    back = [told(last)]
    while back[-1][2] is not None:
        back.append(told(back[-1][2]))
    assert [rows for rows, _next, _prev in back] == seen[::-1]

    times, address = [], form(alice).at(f"{path}?limit=2")
    while address is not None:
        shown_page = tree(form(alice).client.get(address, headers=form(alice).headers).text)
        times.append(len(shown_page.all("li", class_="timeline__item")))
        address = next((link["href"] for link in shown_page.all("a", rel="next")), None)
    assert times == [2, 2, 1]


def test_the_cursor_of_tasks_is_none_of_a_chain_of_custody(api, alice):
    make_tasks(alice, a_program(alice), "a", "b")
    cursor = api(alice).get("/tasks?limit=1").json["meta"]["pagination"]["next_cursor"]
    answer = api(alice).get(f"/certifications/{a_certification(alice)}/audit?cursor={cursor}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("path", ["/tasks", "/programs", "/certifications"])
@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1e3"])
def test_a_page_has_1_to_200_rows(door, alice, path, limit):
    answer = door(alice).get(f"{path}?limit={limit}")
    assert answer.status_code == 400
    assert "This must be a number from 1 to 200." in answer.text


@pytest.fixture
def much(alice, bob):
    """A task of which much was said: nothing of it may be out of reach."""
    task = a_task(alice)
    for number in range(7):
        comment_on_task(bob.actor, task.id, NewComment(body=f"Said {number}"))
    return task


def api_pages(door, path):
    """Every page of a list, by the links that lead on."""
    pages, address = [], f"/api/v1{path}"
    while address is not None:
        answer = door.client.get(address, headers=door.headers).json
        pages.append(answer["data"])
        address = answer["links"]["next"]
    return pages


def test_all_comments_can_be_reached_over_the_api(api, alice, much):
    pages = api_pages(api(alice), f"/tasks/{much.id}/comments?limit=3")
    assert [[row["body"] for row in page] for page in pages] == [
        ["Said 6", "Said 5", "Said 4"],
        ["Said 3", "Said 2", "Said 1"],
        ["Said 0"],
    ]


def test_all_comments_can_be_reached_on_the_page_and_back_again(form, alice, much):
    door, told = form(alice), []
    address = door.at(f"/tasks/{much.id}?limit=3")
    for way in ("prev", "prev", None, "next", "next", None):
        section = tree(door.client.get(address).text).by_id(f"comments-task-{much.id}")
        told.append([each.text for each in section.all("div", class_="prose")])
        links = {each["rel"]: each["href"] for each in section.all("a") if "rel" in each.attributes}
        if way is not None:
            address = links[way].replace("?", "?limit=3&")
            assert address.endswith("#comments")
    newest, middle, oldest = [[f"Said {number}" for number in page] for page in ([4, 5, 6], [1, 2, 3], [0])]
    assert told[:3] == [newest, middle, oldest]
    assert told[3:] == [oldest, middle, newest]


@pytest.mark.parametrize("kind", ["tasks", "programs"])
def test_all_of_a_history_can_be_reached(api, form, alice, much, kind):
    thing = much.id if kind == "tasks" else much.program_id
    if kind == "programs":
        for number in range(7):
            form(alice).update_program(thing, name=f"Name {number}")
    whole = api_pages(api(alice), f"/{kind}/{thing}/history")[0]
    pages = api_pages(api(alice), f"/{kind}/{thing}/history?limit=3")
    assert [event for page in pages for event in page] == whole
    assert [len(page) for page in pages] == [3, 3, 2]
    door, address, shown = form(alice), form(alice).at(f"/{kind}/{thing}/history?limit=3"), 0
    while address is not None:
        page = tree(door.client.get(address).text)
        shown += len(page.all("li", class_="timeline__item"))
        address = next((each["href"] for each in page.all("a", rel="next")), None)
    assert shown == len(whole)


def test_a_cursor_of_another_list_is_refused_by_a_history(api, alice, much):
    cursor = api(alice).get(f"/tasks/{much.id}/comments?limit=1").json["meta"]["pagination"]["next_cursor"]
    answer = api(alice).get(f"/tasks/{much.id}/history?cursor={cursor}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "INVALID_PARAMETER")


def test_a_page_that_is_shown_is_found_again_with_what_has_come_and_gone_in_it(form, alice):
    program = a_program(alice)
    olds = [a_task(alice, program, name=f"Old {number}") for number in range(9)]

    def page(address):
        shown = tree(form(alice).client.get(address, headers={"HX-Request-Type": "partial"}).text)
        [chunk], nexts = shown.all("div", class_="chunk"), shown.all("a", rel="next")
        names = [link.text for link in shown.all("a", class_="list__link")]
        return names, chunk["data-chunk"], nexts[0]["href"] if nexts else None

    first, again, following = page(form(alice).at("/tasks?limit=3&q=Old"))
    second, second_again, _third = page(following)
    make_tasks(alice, program, "Old but new", "Unlike")
    delete_task(alice.actor, olds[4].id)
    assert page(again)[:2] == (["Old but new", *first], again)
    assert page(second_again)[:2] == (["Old 5", "Old 3"], second_again)
    assert second == ["Old 5", "Old 4", "Old 3"]
    assert form(alice).get("/tasks?last=nonsense").status_code == 400


def test_each_long_list_is_one_of_chunks_found_again_by_themselves(form, alice, bob, much):
    """Whatever holds it: the rows of a page, and nothing else, come at the address of its chunk."""
    program = much.program_id
    a_certification(alice)
    for number in range(3):
        a_task(alice, name=f"Task {number}")
        form(alice).update_program(program, name=f"Name {number}")
    paths = ["/tasks", "/programs", f"/programs/{program}", "/certifications", "/people", f"/tasks/{much.id}/history",
             f"/programs/{program}/history"]  # fmt: skip
    for path in paths:
        [chunk] = tree(form(alice).get(f"{path}?limit=1").text).all("div", class_="chunk")
        again = form(alice).client.get(chunk["data-chunk"], headers={"HX-Request-Type": "partial"})
        assert again.status_code == 200, path
        [shown] = tree(again.text).all("div", class_="chunk")
        assert (shown["id"], shown["hx-get"]) == (chunk["id"], chunk["data-chunk"]), path
        assert shown["data-live"], path
        assert shown.text == chunk.text, path
        assert again.text.strip().startswith('<div class="chunk"'), path
    [chunk] = tree(form(alice).get("/audit?limit=1").text).all("div", class_="chunk")
    assert not chunk["data-chunk"]  # the trail stands still under its reader
