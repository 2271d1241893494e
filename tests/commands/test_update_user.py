"""Correcting the name of somebody else."""

from __future__ import annotations

import pytest

from app.commands.tenants import create_member
from app.commands.users import update_user
from app.core.database import db
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.models.users import User
from app.schemas.profiles import UserChanges
from app.schemas.tenants import NewMember
from tests.cast import PASSWORD, join, system
from tests.security.newcomers import newcomer
from tests.security.test_account import events
from tests.trail import audit_rows


def name_of(player) -> str:
    db.session.rollback()
    return str(db.session.get_one(User, player.user_id, populate_existing=True).name)


def test_it_is_corrected_on_the_page(form, alice, acme):
    dora = newcomer(acme)
    page = form(alice)
    assert "Correct the name" in page.get(f"/people/{dora.user_id}").text
    assert 'value="Dora"' in page.get(f"/people/{dora.user_id}/edit").text
    assert page.post(f"/people/{dora.user_id}", name="Dorothea", version=1).status_code == 303
    assert name_of(dora) == "Dorothea"


def test_it_is_corrected_over_the_api(api, alice, acme):
    dora = newcomer(acme)
    path, programs = f"/users/{dora.user_id}", api(alice)
    first = programs.get(path)
    assert (first.headers["ETag"], first.json["data"]["version"]) == ('"v1"', 1)
    answer = programs.send("PATCH", path, {"name": "Dorothea"}, If_Match='"v1"')
    assert answer.status_code == 200
    assert (answer.json["data"]["name"], answer.headers["ETag"]) == ("Dorothea", '"v2"')
    assert programs.send("PATCH", path, {"name": "Dolly"}, If_Match='"v1"').status_code == 412
    assert programs.send("PATCH", path, {"name": "Dolly", "version": 1}).status_code == 409
    assert programs.send("PATCH", path, {}).json["data"]["version"] == 2
    assert name_of(dora) == "Dorothea"


def test_the_second_to_save_is_shown_what_the_first_has_saved(form, alice, acme):
    dora = newcomer(acme)
    page = form(alice)
    assert page.post(f"/people/{dora.user_id}", name="Dorothea", version=1).status_code == 303
    clash = page.post(f"/people/{dora.user_id}", name="Dolly", version=1)
    assert clash.status_code == 409
    assert "Somebody else saved this" in clash.text
    with pytest.raises(StaleVersion):
        update_user(alice.actor, dora.user_id, UserChanges(name="Dolly", version=1))


def test_the_trail_keeps_both_names_and_the_person_is_told(alice, acme):
    dora = newcomer(acme)
    changed = update_user(alice.actor, dora.user_id, UserChanges(name="Dorothea"))
    update_user(alice.actor, dora.user_id, UserChanges(name="Dorothea"))
    [row] = [row for row in audit_rows(changed) if row.event_type == "user.renamed"]
    assert row.actor_user_id == alice.user_id
    assert row.before_state.keys() == row.after_state.keys() == {"name"}
    assert "Dorothea" not in str(row.after_state)
    assert events(dora) == ["user.renamed_by_organisation"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", None), ("name", "x" * 201), ("email", "x@acme.example"), ("time_zone", "UTC"), ("id", 7)],
)
def test_what_cannot_be_is_refused(api, alice, acme, field, value):
    dora = newcomer(acme)
    answer = api(alice).send("PATCH", f"/users/{dora.user_id}", {field: value})
    assert answer.status_code == 422
    assert answer.json["error"]["details"][0]["field"] == field
    assert name_of(dora) == "Dora"


def test_nobody_is_renamed_who_works_for_others_too(form, api, alice, acme, mallory):
    dora = newcomer(acme)
    member = NewMember(email=dora.actor.email, name="Dora", password=PASSWORD, role="member")
    create_member(system(mallory.organisation), member)
    for owner in (alice, mallory):
        with pytest.raises(Forbidden):
            update_user(owner.actor, dora.user_id, UserChanges(name="Dummy"))
        assert api(owner).send("PATCH", f"/users/{dora.user_id}", {"name": "Dummy"}).status_code == 403
        page = form(owner).get(f"/people/{dora.user_id}/edit").text
        assert "looks after their name themselves" in page
        assert 'id="user-form"' not in page
    assert name_of(dora) == "Dora"


def test_an_admin_renames_nobody_above_them(acme):
    dave, olga = join(acme, "dave"), newcomer(acme, role="owner")
    with pytest.raises(Forbidden):
        update_user(dave.actor, olga.user_id, UserChanges(name="Dummy"))
    assert name_of(olga) == "Dora"


def test_a_member_renames_nobody_and_a_stranger_finds_nobody(form, api, web_app, bob, mallory, alice, acme):
    dora = newcomer(acme)
    assert "Correct the name" not in form(bob).get(f"/people/{dora.user_id}").text
    assert form(bob).post(f"/people/{dora.user_id}", name="Dummy").status_code == 403
    assert api(bob).send("PATCH", f"/users/{dora.user_id}", {"name": "Dummy"}).status_code == 403
    with pytest.raises(NotFound):
        update_user(mallory.actor, dora.user_id, UserChanges(name="Dummy"))
    headers = {"Authorization": f"Bearer {alice.key_with('user.view')}"}
    refused = web_app.test_client().patch(f"/api/v1/users/{dora.user_id}", json={"name": "Dummy"}, headers=headers)
    assert refused.status_code == 403
    assert api(alice).send("PATCH", "/users/9007199254740991", {"name": "Dummy"}).status_code == 404
    assert name_of(dora) == "Dora"
