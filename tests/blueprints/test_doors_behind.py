"""Who closes a door behind themselves is told that it is done, and is not met by a refusal."""

from __future__ import annotations

import pytest

from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task
from app.queries.access import grants_of_person
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment
from tests.cast import afresh, join, play
from tests.factories import a_grant, a_group, a_program, a_task
from tests.markup import page
from tests.security.newcomers import newcomer


@pytest.fixture
def admin(acme, alice):
    """Somebody who runs acme beside alice, by one role."""
    return newcomer(acme, "admin")


def only_grant(player):
    (grant,) = player.sees(grants_of_person, player.user_id)
    return grant.grant_id


def follow(pages, answer):
    """The page to which an answer leads, as a browser goes there."""
    target = answer.headers.get("HX-Redirect") or answer.headers["Location"]
    return pages.client.get(target)


def assert_calm(answer, *words):
    shown = page(answer).one("main").text
    assert answer.status_code in (403, 404)  # it is what it is, and says what was done before
    assert answer.headers["Cache-Control"] == "no-store"
    assert "That is done" in shown
    assert "you do not see that page any more" in shown
    for each in words:
        assert each in shown


@pytest.mark.parametrize("kind", ["form", "htmx"])
def test_taking_away_ones_own_last_role(request, kind, admin):
    pages = request.getfixturevalue(kind)(admin)
    answer = pages.post(f"/people/{admin.user_id}/roles/{only_grant(admin)}/deletion")
    shown = follow(pages, answer)
    assert "The role “Admin” was taken away from Dora." in shown.text
    start = pages.get("/")
    assert start.status_code == 200
    assert "You have no role here" in start.text


@pytest.mark.parametrize("kind", ["form", "htmx"])
def test_taking_away_ones_own_role_in_a_place(request, kind, alice):
    program = a_program(alice)
    heidi = join(alice.organisation, "heidi")
    grant = a_grant(alice, "manager", heidi, program_id=program.id)
    pages = request.getfixturevalue(kind)(play(alice.organisation, "heidi"))
    manager = create_access_role(alice.actor, NewAccessRole(name="Spare", permissions=()))
    assert manager.id
    a_grant(alice, "admin", heidi, program_id=program.id)
    answer = pages.post(f"/programs/{program.id}/access/{grant.id}/deletion")
    assert follow(pages, answer).status_code == 200, "There is another role there, and so the page."
    afresh()
    last = [each.grant_id for each in heidi.sees(grants_of_person, heidi.user_id)]
    answer = pages.post(f"/programs/{program.id}/access/{last[0]}/deletion")
    assert_calm(follow(pages, answer), "The role “Admin” was taken away from Heidi.")


def test_taking_oneself_out_of_the_group_that_brings_it(form, alice):
    heidi = join(alice.organisation, "heidi")
    group = a_group(alice.organisation, heidi, name="Admins")
    pages = form(alice)
    pages.post(f"/groups/{group}/roles", access_role_id=alice.organisation.roles["admin"])
    theirs = form(play(alice.organisation, "heidi"))
    remove = next(
        each.attributes["action"]
        for each in page(theirs.get(f"/groups/{group}")).all("form")
        if "/members/" in each.attributes.get("action", "")
    )
    assert_calm(follow(theirs, theirs.post(remove.removeprefix(theirs.at("")))), "Taken out of the group.")


def test_ending_ones_own_membership(form, admin):
    pages = form(admin)
    answer = pages.post(f"/people/{admin.user_id}/deactivation")
    shown = follow(pages, answer)
    assert_calm(shown, "Dora has no access any more.", "Your organisations")
    assert admin.organisation.slug not in page(shown).one("main").html
    assert pages.get("/tasks").status_code == 404


@pytest.mark.parametrize("kind", ["form", "htmx"])
def test_taking_oneself_off_the_only_tasks_that_one_sees(request, kind, alice):
    role = create_access_role(
        alice.actor, NewAccessRole(name="Helper", permissions=("task.view_own", "task.assign", "program.view"))
    )
    alice.organisation.roles["helper"] = role.id
    heidi = join(alice.organisation, "heidi")
    a_grant(alice, "helper", heidi)
    task = a_task(alice)
    assign_task(alice.actor, task.id, Assignment(user_id=heidi.user_id))
    pages = request.getfixturevalue(kind)(play(alice.organisation, "heidi"))
    answer = pages.post(f"/tasks/{task.id}/assignment/{heidi.user_id}/deletion")
    assert_calm(follow(pages, answer), "Your change is saved.")
    assert alice.task(task.id).assignments == ()


def test_what_was_never_seen_stays_refused(form, alice, carol):
    task = a_task(alice)
    pages = form(carol)
    assert pages.post(f"/tasks/{task.id}/deletion").status_code == 403
    assert pages.get("/settings/close").status_code == 403
    assert pages.get(f"/programs/{task.id}").status_code == 404


def test_another_page_is_refused_as_ever_while_something_waits_to_be_said(form, alice, carol):
    task = a_task(alice)
    pages = form(alice)
    assert pages.post(f"/tasks/{task.id}/comments", body="Hello").status_code == 303
    assert pages.get(f"/programs/{task.id}").status_code == 404


def test_whoever_sees_other_things_than_tasks_is_told_where_they_are(form, alice):
    role = create_access_role(alice.actor, NewAccessRole(name="Reader", permissions=("policy.view",)))
    alice.organisation.roles["reader"] = role.id
    heidi = join(alice.organisation, "heidi")
    a_grant(alice, "reader", heidi)
    start = form(play(alice.organisation, "heidi")).get("/")
    assert start.status_code == 200
    assert "What they do show is in the menu" in start.text
