"""Correcting the name of somebody else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.commands.tenants import create_member
from app.commands.users import update_user
from app.core.database import db
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.ids import new_token
from app.models.users import User
from app.schemas.profiles import UserChanges
from app.schemas.tenants import NewMember
from tests.cast import PASSWORD, join, system
from tests.commands.test_invite_person import invited, token_sent_to
from tests.doors import ORIGIN
from tests.security.newcomers import newcomer
from tests.security.test_account import Seat, events
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


def test_nobody_is_renamed_who_has_signed_in(form, api, web_app, alice, acme):
    dora = newcomer(acme)
    Seat(web_app, dora).sign_in()
    with pytest.raises(Forbidden):
        update_user(alice.actor, dora.user_id, UserChanges(name="Dummy"))
    assert api(alice).send("PATCH", f"/users/{dora.user_id}", {"name": "Dummy"}).status_code == 403
    page = form(alice).get(f"/people/{dora.user_id}/edit").text
    assert "looks after their name themselves" in page
    assert 'id="user-form"' not in page
    assert name_of(dora) == "Dora"


def test_nobody_is_renamed_who_has_named_themselves_in_accepting_an_invitation(web_app, alice):
    address = f"ivy-{new_token()[:8].lower()}@elsewhere.example"
    invited(alice, address)
    path = f"/invitations/{token_sent_to(address)}"
    web_app.test_client().post(path, data={"name": "Ivy Chen", "password": PASSWORD}, headers=ORIGIN)
    ivy = db.session.scalar(select(User.user_id).where(User.email == address))
    with pytest.raises(Forbidden):
        update_user(alice.actor, ivy, UserChanges(name="Dummy"))


@pytest.mark.parametrize("has_signed_in", [False, True])
def test_the_answer_tells_nobody_who_works_elsewhere_too(form, api, web_app, alice, acme, mallory, has_signed_in):
    here, both = newcomer(acme), newcomer(acme)
    create_member(
        system(mallory.organisation), NewMember(email=both.actor.email, name="Dora", password=PASSWORD, role="member")
    )
    if has_signed_in:
        for player in (here, both):
            Seat(web_app, player).sign_in()
    shown, answers = [], []
    for player in (here, both):
        shown.append('id="user-form"' in form(alice).get(f"/people/{player.user_id}/edit").text)
        answer = api(alice).send("PATCH", f"/users/{player.user_id}", {"name": "Dolly"})
        answers.append((answer.status_code, answer.json.get("error", {}).get("message")))
    assert shown[0] == shown[1] == (not has_signed_in)
    assert answers[0] == answers[1]


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
