"""Ending a membership, and letting somebody back in."""

from __future__ import annotations

import pytest

from app.commands.task_assignments import assign_task
from app.commands.tenants import create_member
from app.commands.users import deactivate_user, reactivate_user, update_user
from app.core import tenancy
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.paging import Paging
from app.models.api_keys import ApiKey
from app.queries.api_keys import list_api_keys
from app.schemas.profiles import UserChanges
from app.schemas.tasks import Assignment
from app.schemas.tenants import NewMember
from tests.cast import PASSWORD, join, system
from tests.commands.test_user_groups import a_named_group, give, put
from tests.factories import a_task
from tests.security.newcomers import newcomer
from tests.security.test_account import Seat
from tests.trail import audit_trail

DUMMY = UserChanges(name="Dummy")


def test_sessions_and_keys_open_nothing_from_that_moment_and_never_again(form, api, web_app, acme, alice):
    dora = newcomer(acme)
    page, key = form(dora), api(dora)
    assert (page.get("/tasks").status_code, key.get("/tasks").status_code) == (200, 200)
    deactivate_user(alice.actor, dora.user_id)
    assert (page.get("/tasks").status_code, key.get("/tasks").status_code) == (303, 401)
    early = Seat(web_app, dora).sign_in()
    reactivate_user(alice.actor, dora.user_id)
    assert (page.get("/tasks").status_code, key.get("/tasks").status_code) == (303, 401)
    assert early.get(page.at("/tasks")).status_code == 200
    assert dora.sees(lambda actor: actor.may("task.create"))


def test_who_works_elsewhere_stays_signed_in_there_until_they_are_let_back_in(web_app, acme, alice, mallory):
    dora = newcomer(acme)
    like = NewMember(email=dora.actor.email, name="Dora", password=PASSWORD, role="member")
    create_member(system(mallory.organisation), like)
    browser = Seat(web_app, dora).sign_in()
    here, there = f"/o/{acme.slug}/tasks", f"/o/{mallory.organisation.slug}/tasks"
    deactivate_user(alice.actor, dora.user_id)
    assert (browser.get(here).status_code, browser.get(there).status_code) == (404, 200)
    reactivate_user(alice.actor, dora.user_id)
    assert not browser.is_in
    assert browser.sign_in().get(here).status_code == 200


def test_each_key_that_ends_is_written_down(api, acme, alice):
    dora = newcomer(acme)
    api(dora)
    [key] = [row for row in alice.sees(list_api_keys, Paging()).rows if row.user_id == dora.user_id]
    deactivate_user(alice.actor, dora.user_id)
    db.session.rollback()
    with tenancy.entered(db.session, acme.id):
        ended = db.session.get_one(ApiKey, key.id, populate_existing=True)
        assert ended.revoked_at is not None
    assert audit_trail(ended)[-1] == "api_key.revoked"


def test_it_is_written_down_once(alice, bob):
    user = deactivate_user(alice.actor, bob.user_id)
    deactivate_user(alice.actor, bob.user_id)
    reactivate_user(alice.actor, bob.user_id)
    assert audit_trail(user)[-2:] == ["user.deactivated", "user.reactivated"]


def test_tasks_keep_who_is_on_them(form, alice, bob):
    task = a_task(alice)
    assign_task(alice.actor, task.id, Assignment(user_id=bob.user_id))
    deactivate_user(alice.actor, bob.user_id)
    assert "Bob" in form(alice).get(f"/tasks/{task.id}").text


def test_the_last_owner_stays(alice):
    with pytest.raises(Conflict):
        deactivate_user(alice.actor, alice.user_id)


def test_nobody_ends_the_membership_of_somebody_above_them(acme, alice):
    dave = join(acme, "dave")
    with pytest.raises(Forbidden):
        deactivate_user(dave.actor, alice.user_id)


@pytest.mark.parametrize("change", [deactivate_user, reactivate_user, lambda *who: update_user(*who, DUMMY)])
def test_who_is_above_by_a_group_in_a_group_is_above(acme, alice, change):
    dave, dora = join(acme, "dave"), newcomer(acme)
    owners, inner = a_named_group(alice, "Owners"), a_named_group(alice, "Founders")
    put(alice, owners, inner=inner)
    put(alice, inner, person=dora)
    give(alice, "owner", owners)
    if change is reactivate_user:
        deactivate_user(alice.actor, dora.user_id)
    with pytest.raises(Forbidden):
        change(dave.actor, dora.user_id)
    db.session.rollback()
    change(alice.actor, dora.user_id)


def test_nobody_has_a_number_that_no_person_can_have(form, api, alice):
    for number in (2**53, 2**63, 10**30):
        assert api(alice).get(f"/users/{number}").status_code == 404
        assert api(alice).send("POST", f"/users/{number}/deactivate").status_code == 404
        assert form(alice).get(f"/people/{number}").status_code == 404
        assert form(alice).post(f"/people/{number}/deactivation").status_code == 404


def test_a_member_may_not(alice, bob):
    with pytest.raises(Forbidden):
        deactivate_user(bob.actor, alice.user_id)


@pytest.mark.parametrize("change", [deactivate_user, reactivate_user])
def test_a_stranger_is_not_there(alice, mallory, change):
    with pytest.raises(NotFound):
        change(mallory.actor, alice.user_id)
    with pytest.raises(NotFound):
        change(alice.actor, 2**53 - 1)


def test_through_the_page_there_is_a_way_back(form, alice, bob):
    page = form(alice)
    assert "Deactivate this person?" in page.get(f"/people/{bob.user_id}/deactivate").text
    assert page.post(f"/people/{bob.user_id}/deactivation").status_code == 303
    assert "Deactivated" in page.get(f"/people/{bob.user_id}").text
    assert page.post(f"/people/{bob.user_id}/reactivation").status_code == 303
    assert "Let back in" not in page.get(f"/people/{bob.user_id}").text


def test_people_are_found_by_words_and_membership(api, alice, bob, carol):
    deactivate_user(alice.actor, carol.user_id)
    names = lambda query: [row["name"] for row in api(alice).get(f"/users{query}").json["data"]]  # noqa: E731
    assert set(names("")) == {"Alice", "Bob", "Carol"}
    assert names("?q=BO") == ["Bob"]
    assert names("?q=%25") == []
    assert names("?status=deactivated") == ["Carol"]
    assert api(bob).get("/users/me").json["data"]["roles"] == ["Member"]


def test_the_people_of_an_organisation_come_page_by_page(api, acme, alice):
    for name in ("dora", "dave"):
        join(acme, name)
    first = api(alice).get("/users?limit=2").json
    second = api(alice).client.get(first["links"]["next"], headers=api(alice).headers).json
    told = [row["id"] for page in (first, second) for row in page["data"]]
    assert len(first["data"]) == 2
    assert len(told) == len(set(told)) == first["meta"]["pagination"]["count"] + len(second["data"])
    assert alice.user_id in told
