"""Lists of tasks, and what narrows them."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound
from app.core.paging import Paging
from app.queries.tasks import TaskFilters, get_task, list_tasks
from app.queries.workflows import task_states, ways_on
from tests.cast import join, play
from tests.doors import Form
from tests.factories import BOASTFUL, a_certification, a_grant, a_program, a_task


def names(player, **filters):
    return [row.name for row in player.sees(list_tasks, TaskFilters(**filters), Paging()).rows]


@pytest.fixture
def work(alice, bob, form):
    """Four tasks in two programs, in three states, on two people."""
    garden, office = a_program(alice, key="GAR"), a_program(alice, key="OFF")
    tasks = {
        "roses": a_task(alice, garden, name="Water the roses"),
        "lawn": a_task(alice, garden, name="Mow the lawn"),
        "post": a_task(alice, office, name="Open the post"),
        "roof": a_task(alice, office, name="Mend 100% of the roof_tiles"),
    }
    door = form(alice)
    door.move_task(tasks["lawn"].id, state="doing")
    door.move_task(tasks["roof"].id, state="cancelled")
    for name, person in (("roses", alice), ("roses", bob), ("post", bob)):
        door.assign_task(tasks[name].id, user_id=person.user_id)
    return {"garden": garden, "office": office, **tasks}


def test_the_newest_comes_first_with_all_that_a_row_shows(alice, work):
    rows = alice.sees(list_tasks, TaskFilters(), Paging()).rows
    assert [row.number for row in rows] == ["OFF-2", "OFF-1", "GAR-2", "GAR-1"]
    roses = rows[-1]
    assert (roses.state_name, roses.state_group, roses.program_name) == ("To do", "unstarted", work["garden"].name)
    assert roses.assignee_names == ["Alice", "Bob"]


def test_a_program_narrows_it(alice, work):
    assert names(alice, program_id=work["garden"].id) == ["Mow the lawn", "Water the roses"]


@pytest.fixture
def nested(alice):
    """Programs three deep with a task in each, and one beside them."""
    outer = a_program(alice, key="OUT")
    middle = a_program(alice, key="MID", parent_id=outer.id)
    inner = a_program(alice, key="INN", parent_id=middle.id)
    for program in (outer, middle, inner, a_program(alice, key="BES")):
        a_task(alice, program, name=f"In {program.key}")
    return {"outer": outer.id, "middle": middle.id, "inner": inner.id}


@pytest.mark.parametrize(
    ("place", "found"),
    [("outer", ["In INN", "In MID", "In OUT"]), ("middle", ["In INN", "In MID"]), ("inner", ["In INN"])],
)
def test_a_program_takes_in_those_below_it(alice, nested, place, found):
    assert names(alice, program_id=nested[place]) == found
    assert names(alice, program_id=nested[place], text="MID") == [each for each in found if "MID" in each]
    assert names(alice, only_program_id=nested[place]) == found[-1:]


def test_it_takes_in_only_what_one_may_see(alice, nested):
    heidi = join(alice.organisation, "heidi")
    a_grant(alice, "member", heidi, program_id=nested["inner"])
    heidi = play(alice.organisation, "heidi")
    assert names(heidi, program_id=nested["outer"]) == ["In INN"]


def test_what_is_below_is_paged_and_counted_like_the_rest(alice, nested, door, count_queries):
    program = "program" if isinstance(door(alice), Form) else "program_id"
    first = alice.sees(list_tasks, TaskFilters(program_id=nested["outer"]), Paging(size=2))
    second = alice.sees(list_tasks, TaskFilters(program_id=nested["outer"]), Paging(first.next, 2))
    assert [row.name for row in (*first.rows, *second.rows)] == ["In INN", "In MID", "In OUT"]
    pages = door(alice)
    pages.get("/tasks")  # a key notes its first use
    counts = {count_queries(lambda place=place: pages.get(f"/tasks?{program}={nested[place]}")) for place in nested}
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("todo", ["Open the post", "Water the roses"]),
        ("doing", ["Mow the lawn"]),
        ("cancelled", ["Mend 100% of the roof_tiles"]),
        ("done", []),
        ("there is none", []),
    ],
)
def test_a_state_narrows_it(alice, work, state, found):
    assert names(alice, state=state) == found


def test_a_person_narrows_it(alice, bob, work):
    assert names(alice, assignee_id=alice.user_id) == ["Water the roses"]
    assert names(alice, assignee_id=bob.user_id) == ["Open the post", "Water the roses"]
    assert names(alice, assignee_id=2**50) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("the roses", ["Water the roses"]),
        ("THE LAWN", ["Mow the lawn"]),
        ("100%", ["Mend 100% of the roof_tiles"]),
        ("%", ["Mend 100% of the roof_tiles"]),
        ("_", ["Mend 100% of the roof_tiles"]),
        ("\\", []),
        ("'; DROP TABLE tasks; --", []),
    ],
)
def test_words_narrow_it_and_mean_only_themselves(alice, work, words, found):
    assert names(alice, text=words) == found


def test_several_filters_narrow_it_together(alice, bob, work):
    everything = {"program_id": work["garden"].id, "state": "todo", "assignee_id": bob.user_id, "text": "rose"}
    assert names(alice, **everything) == ["Water the roses"]
    for name, other in (("program_id", work["office"].id), ("state", "doing"), ("text", "lawn")):
        assert names(alice, **(everything | {name: other})) == []


def test_the_page_says_what_it_was_narrowed_to(alice, work):
    filters = TaskFilters(program_id=work["garden"].id, state="todo")
    assert alice.sees(list_tasks, filters, Paging()).filters == {"program": work["garden"].id, "state": "todo"}


def test_a_task_shows_how_its_newest_certification_stands(alice):
    task = a_task(alice)
    assert alice.task(task.id).certification_status is None
    a_certification(alice, task_id=task.id)
    assert alice.task(task.id).certification_status == "certified"
    a_certification(alice, task_id=task.id, output_content=BOASTFUL)
    assert alice.task(task.id).certification_status == "rejected"
    a_certification(alice, task_id=task.id, settled=False)
    assert alice.sees(list_tasks, TaskFilters(), Paging()).rows[0].certification_status == "pending"


def test_a_stranger_sees_nothing_of_it(mallory, alice, work):
    assert names(mallory) == []
    assert names(mallory, program_id=work["garden"].id) == []
    assert names(mallory, assignee_id=alice.user_id) == []
    with pytest.raises(NotFound):
        mallory.sees(get_task, work["roses"].id)


def test_where_a_task_may_go_comes_before_where_it_may_not_with_the_reason(alice, work):
    moves = alice.sees(lambda actor: ways_on(actor, get_task(actor, work["roses"].id)))
    assert [(move["key"], move["allowed"]) for move in moves] == [
        ("doing", True),
        ("cancelled", True),
        ("review", False),
        ("done", False),
    ]
    assert moves[-1]["reason"] == "The workflow has no way from “To do” to here."


def test_the_states_are_named_in_the_order_of_the_workflow(carol):
    assert [row.name for row in carol.sees(task_states)] == ["To do", "Doing", "In review", "Done", "Cancelled"]


def test_pages_and_api_narrow_alike(door, alice, work):
    """Through each door, by the names that its addresses use."""
    program = "program" if isinstance(door(alice), Form) else "program_id"
    shown = door(alice).get(f"/tasks?{program}={work['garden'].id}&state=doing&q=lawn").text
    assert "Mow the lawn" in shown
    for other in ("Water the roses", "Open the post", "Mend 100%"):
        assert other not in shown
