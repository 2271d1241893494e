"""Every route and every person: what each may do is written down in access.json, and a new route is added there.

How a row is written, and what follows from it: access.py beside it.
"""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from app.core.paging import Cursor
from app.core.roles import PERMISSIONS, SHIPPED_ROLES
from tests.security import access
from tests.security.guards import assert_guarded
from tests.security.world import ACCESS, World, routes

WITH_IDS = [name for name in ACCESS if "<uuid:" in name or "_id}" in str(ACCESS[name])]
PAGES = [name for name in ACCESS if "/o/<slug>/" in name]
INSIDE = (*access.AT_WORK, access.GUEST, access.LEFT, access.NOBODY)  # who is, was or could be at acme
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def test_every_route_says_who_may_use_it(web_app):
    assert {route.name for route in routes(web_app)} == set(ACCESS)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_is_held_by_the_roles_that_the_table_names_and_by_no_other(permission):
    holders = [key for key, role in SHIPPED_ROLES.items() if permission in role.permissions]
    assert holders == access.SHIPPED["may"][permission]


def test_roles_give_the_roles_that_the_table_names_and_no_other():
    gives = {
        key: list(SHIPPED_ROLES if role.manages_every_role else role.manages) for key, role in SHIPPED_ROLES.items()
    }
    assert gives == access.SHIPPED["gives"]
    assert set(access.SHIPPED["may"]) == set(PERMISSIONS)


@pytest.mark.parametrize("name", ACCESS)
def test_each_person_may_do_what_their_role_allows(app, world: World, name):
    route, row = world.route(name), ACCESS[name]
    ids = world.ids(row.get("needs"))
    # Those who are refused come first: whatever is made for the others must survive them.
    answers = {}
    wrong = {}
    for person in sorted(INSIDE, key=lambda who: -row[who] // 100):
        if any(answers.values()) and row.get("needs"):
            ids = world.ids(row["needs"])
        answer = world.send(route, None if person == "nobody" else person, ids)
        if answer.status_code != row[person]:
            wrong[person] = f"{answer.status_code} instead of {row[person]}: {answer.text[:300]}"
        answers[person] = answer.status_code < 400 and person != "nobody"
        assert_guarded(answer)
    assert wrong == {}


@pytest.mark.parametrize("name", [name for name in ACCESS if ACCESS[name]["nobody"] in (303, 401)])
def test_somebody_unknown_is_asked_to_sign_in(app, world: World, name):
    route = world.route(name)
    before = world.trace()
    answer = world.send(route, None, world.ids())
    if route.is_api:
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    else:
        assert answer.headers["Location"].startswith("/sign-in")
    assert world.trace() == before


@pytest.mark.parametrize("name", [name for name in ACCESS if ACCESS[name]["carol"] == 403])
def test_a_refusal_changes_nothing(app, world: World, name):
    route, row = world.route(name), ACCESS[name]
    ids = world.ids_for_nothing(row.get("needs"))
    before = world.trace()
    answer = world.send(route, "carol", ids)
    assert answer.status_code == 403
    assert "FORBIDDEN" in answer.text
    assert world.trace() == before


@pytest.mark.parametrize("name", WITH_IDS)
def test_an_id_of_another_organisation_is_an_id_that_does_not_exist(app, world: World, name):
    route, row = world.route(name), ACCESS[name]
    acmes = world.ids_for_nothing(row.get("needs"))
    before = world.trace()
    for headers in ({}, HTMX) if name in PAGES else ({},):
        theirs = world.send(route, "mallory", acmes, slug=world.globex.slug, headers=headers)
        nobodys = world.send(route, "mallory", world.strange, slug=world.globex.slug, headers=headers)
        assert theirs.status_code == nobodys.status_code == row["mallory"]
        if theirs.status_code >= 400:
            assert normalised(theirs, acmes) == normalised(nobodys, world.strange)
        assert_tells_nothing(theirs, world)
        assert_guarded(theirs)
    assert world.trace() == before


@pytest.mark.parametrize("name", [name for name in ACCESS if name not in WITH_IDS])  # those with ids: just above
def test_a_stranger_is_shown_no_byte_of_acme_and_changes_nothing_there(app, world: World, name):
    acmes = world.ids_for_nothing(ACCESS[name].get("needs"))
    before = world.trace()
    answer = world.send(world.route(name), "mallory", acmes, slug=world.globex.slug)
    assert answer.status_code == ACCESS[name]["mallory"]
    assert_tells_nothing(answer, world)
    assert_guarded(answer)
    assert world.trace() == before


@pytest.mark.parametrize("name", PAGES)
def test_an_organisation_that_one_does_not_belong_to_is_one_that_does_not_exist(app, world: World, name):
    route = world.route(name)
    before = world.trace()
    for headers in ({}, HTMX):
        theirs = world.send(route, "mallory", world.ids(), headers=headers)
        nobodys = world.send(route, "mallory", world.ids(), slug="no-such-organisation", headers=headers)
        assert theirs.status_code == nobodys.status_code == 404
        assert normalised(theirs, {}) == normalised(nobodys, {})
        assert_tells_nothing(theirs, world)
    assert world.trace() == before


def test_a_list_of_globex_holds_what_globex_has_and_nothing_else(app, world: World):
    created = world.send(world.route("POST /api/v1/programs"), "mallory", world.ids())
    listed = world.send(world.route("GET /api/v1/programs"), "mallory", world.ids())
    assert created.json["data"]["id"] in [row["id"] for row in listed.json["data"]]
    assert_tells_nothing(listed, world)


@pytest.mark.parametrize(
    "query",
    ["program_id={program_id}", "assignee_id={user_id}", "q=canary", "state=todo", "cursor={cursor}"],
)
def test_no_filter_or_cursor_reaches_over_the_wall(app, world: World, query):
    after_acmes = str(Cursor(UUID(int=UUID(world.things["task_id"]).int + 1), "after"))
    told = query.format(cursor=after_acmes, **world.things)
    key = {"Authorization": f"Bearer {world.people['mallory'].api_key}"}
    answer = world.app.test_client().get(f"/api/v1/tasks?{told}", headers=key)
    assert answer.status_code == 200
    assert answer.json["data"] == []
    assert_tells_nothing(answer, world, but=[world.things["program_id"]])


def normalised(answer, ids) -> str:
    """The answer without what must differ: its request id, and the ids that were asked for."""
    text = answer.text.replace(answer.headers["X-Request-ID"], "(reference)")
    for name, value in ids.items():
        if name != "user_id":
            text = text.replace(value, f"({name})")
    return text


def assert_tells_nothing(answer, world: World, but=()) -> None:
    """Neither body nor headers hold a byte of acme's."""
    told = answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    assert [secret for secret in world.secrets if _is_told(secret, told) and secret not in but] == []


def _is_told(secret: str, told: str) -> bool:
    """Whether the text holds the secret; a name as a word, as the four letters of one stand in many a public key."""
    if secret not in told:
        return False  # which is almost always so, and seen a hundred times sooner than by an expression
    bound = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])" if secret.isalpha() else "{}"
    return re.search(bound.format(re.escape(secret)), told) is not None
