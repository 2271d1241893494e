"""A client that needs three fields gets three."""

from __future__ import annotations

import pytest

from tests.factories import a_certification, a_program, a_task


@pytest.fixture
def things(alice):
    program = a_program(alice)
    return {"program": program.id, "task": a_task(alice, program).id, "certification": a_certification(alice)}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tasks", "id,name"),
        ("/tasks/{task}", "number,state,assignments"),
        ("/programs", "key"),
        ("/programs/{program}", "key, version"),
        ("/certifications", "certification_number,certification_status"),
        ("/certifications/{certification}", "certification_status,evaluation"),
        ("/policies", "key,digest"),
        ("/users", "name"),
    ],
)
def test_only_what_was_asked_for_comes(api, alice, things, path, fields):
    told = api(alice).get(f"{path.format(**things)}?fields={fields}").json["data"]
    for row in told if isinstance(told, list) else [told]:
        assert set(row) == {name.strip() for name in fields.split(",")}


def test_a_page_keeps_the_choice_in_its_links(api, alice, things):
    a_task(alice)
    onwards = api(alice).get("/tasks?fields=id,name&limit=1").json["links"]["next"]
    door = api(alice)
    (row,) = door.client.get(onwards, headers=door.headers).json["data"]
    assert set(row) == {"id", "name"}


@pytest.mark.parametrize("path", ["/tasks", "/programs/{program}", "/certifications", "/policies"])
def test_a_field_that_there_is_not_is_refused_by_name(api, alice, things, path):
    answer = api(alice).get(f"{path.format(**things)}?fields=id,secret_hash,zeal")
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "INVALID_PARAMETER"
    assert answer.json["error"]["details"] == [
        {"field": "fields", "message": "There are no such fields: secret_hash, zeal."}
    ]
