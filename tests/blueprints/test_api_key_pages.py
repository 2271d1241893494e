"""The pages of API keys: what they show, what they ask, and that a secret is seen once."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.commands.api_keys import create_api_key, revoke_api_key, rotate_api_key
from app.core import clock
from app.queries.api_keys import list_api_keys
from app.schemas.api_keys import Rotation
from app.schemas.tenants import NewApiKey
from tests import cast
from tests.blueprints.test_times import prefers
from tests.trail import as_superuser

AT_BOTH_ENDS_OF_THE_DAY = ["Pacific/Pago_Pago", "Pacific/Kiritimati"]  # one of the two always has another day than UTC


def a_key(player, name="Import", **more):
    return create_api_key(player.actor, NewApiKey(user_id=player.user_id, name=name, **more))


def secret_on(page) -> str:
    """What the page shows in its field to copy from."""
    return page.text.partition('id="new-secret"')[2].partition('value="')[2].partition('"')[0]


def test_a_key_is_made_with_what_was_ticked_and_shown_once(form, api, alice):
    door = form(alice)
    made = door.post("/api-keys", **{"name": "Night", "scope.task.view": "on", "scope.task.move": "on", "lasts": "30"})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    secret = secret_on(made)
    assert secret.startswith("ovk_live_")
    [key] = alice.sees(list_api_keys).rows
    assert (key.name, key.scopes) == ("Night", ["task.view", "task.move"])
    assert timedelta(days=29) < key.expires_at - clock.now() <= timedelta(days=30)
    program = api(alice)
    program.headers = {"Authorization": f"Bearer {secret}"}
    assert program.get("/tasks").status_code == 200
    assert program.get("/programs").status_code == 404
    again = door.get("/api-keys")
    assert secret not in again.text
    assert secret[:15] in again.text


def test_a_key_may_do_everything_that_one_may(form, alice):
    form(alice).post("/api-keys", name="All", reach="everything", lasts="never")
    [key] = alice.sees(list_api_keys).rows
    assert (key.scopes, key.expires_at) == (["*"], None)


def test_a_day_is_good_to_its_end(form, alice):
    day = (clock.now() + timedelta(days=3)).date()
    form(alice).post("/api-keys", name="Fair", reach="everything", lasts="date", ends_on=day.isoformat())
    [key] = alice.sees(list_api_keys).rows
    assert key.expires_at.date() == day + timedelta(days=1)
    assert (key.expires_at.hour, key.expires_at.minute) == (0, 0)


@pytest.mark.parametrize("zone", AT_BOTH_ENDS_OF_THE_DAY)
def test_a_day_is_good_to_its_end_where_its_maker_is(form, alice, zone):
    prefers(alice, time_zone=zone)
    day = clock.now().astimezone(ZoneInfo(zone)).date()
    made = form(alice).post("/api-keys", name="Today", reach="everything", lasts="date", ends_on=day.isoformat())
    assert made.status_code == 201
    [key] = alice.sees(list_api_keys).rows
    assert key.expires_at == datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    gone = form(alice).post(
        "/api-keys", name="Gone", reach="everything", lasts="date", ends_on=(day - timedelta(days=1)).isoformat()
    )
    assert gone.status_code == 422
    assert "in the past" in gone.text


@pytest.mark.parametrize("zone", AT_BOTH_ENDS_OF_THE_DAY)
def test_how_long_a_key_may_last_is_said_by_the_days_of_its_maker(form, alice, zone):
    prefers(alice, time_zone=zone)
    ends = (clock.now() + timedelta(days=90)).astimezone(ZoneInfo(zone))
    assert f"90 days, until {ends.day} {ends:%b %Y}" in form(alice).get("/api-keys/new").text


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"name": ""}, "name", "This is required."),
        ({"scope.task.view": ""}, "scopes", "Choose at least one thing"),
        ({"scope.task.fly": "on"}, "scopes", "No such scope"),
        ({"lasts": "date"}, "ends_on", "Say on which day"),
        ({"lasts": "date", "ends_on": "2020-01-01"}, "ends_on", "in the past"),
        ({"lasts": "date", "ends_on": "9999-12-31"}, "ends_on", "more than ten years"),
        ({"lasts": "date", "ends_on": "2024-02-30"}, "ends_on", "must be a date"),
        ({"lasts": "1000"}, "lasts", "must be one of"),
        ({"networks": "203.0.113.0/24\nmy office"}, "networks", "Write networks as"),
        ({"networks": "203.0.113.7/24"}, "networks", "Write networks as"),
    ],
)
def test_what_will_not_do_is_said_at_its_field(form, alice, given, field, said):
    sent = {"name": "Night", "scope.task.view": "on", "lasts": "30"} | given
    page = form(alice).post("/api-keys", **{name: value for name, value in sent.items() if value or name == "name"})
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text
    assert said in page.text
    assert alice.sees(list_api_keys).rows == []


def test_everything_that_will_not_do_is_said_at_once(form, alice):
    page = form(alice).post("/api-keys", name="", lasts="date", networks="my office")
    assert page.status_code == 422
    for field in ("name", "scopes", "ends_on", "networks"):
        assert f'href="#f-{field}"' in page.text, field


def test_what_was_ticked_stays_so_when_something_is_to_correct(form, alice):
    page = form(alice).post("/api-keys", **{"name": "", "scope.task.view": "on", "networks": "203.0.113.0/24"})
    assert 'name="scope.task.view" value="on" checked' in page.text
    assert 'name="scope.task.move" value="on">' in page.text
    assert "203.0.113.0/24</textarea>" in page.text


def test_one_can_hand_on_only_what_one_may(form, bob):
    page = form(bob).get("/api-keys/new")
    assert 'name="scope.task.create"' in page.text
    assert "scope.user.deactivate" not in page.text
    made = form(bob).post("/api-keys", **{"name": "More", "scope.user.deactivate": "on"})
    assert made.status_code == 422
    assert "Your roles do not allow this" in made.text


def test_one_sees_ones_own_keys_and_who_runs_the_organisation_all(form, alice, bob, carol):
    a_key(alice, "Of alice")
    a_key(bob, "Of bob")
    assert "Of alice" not in form(bob).get("/api-keys").text
    assert "Of bob" in form(bob).get("/api-keys").text
    everybodys = form(alice).get("/api-keys").text
    assert "Of alice" in everybodys
    assert "Of bob" in everybodys
    assert "Your role may not make API keys" in form(carol).get("/api-keys").text


def test_who_sees_all_keys_can_look_at_their_own_only(form, api, alice, bob):
    a_key(alice, "Of alice")
    a_key(bob, "Of bob")
    for page in (form(alice).get("/api-keys?whose=mine"), api(alice).get("/auth/keys?whose=mine")):
        assert page.status_code == 200
        assert "Of alice" in page.text
        assert "Of bob" not in page.text
    assert form(alice).get("/api-keys?whose=theirs").status_code == 400


def test_looking_at_everybodys_keys_is_noted(form, api, alice):
    def noted() -> list[int]:
        query = "SELECT actor_user_id FROM audit.audit_events WHERE event_type = 'api_keys.viewed' AND entity_id = %s"
        return [row.actor_user_id for row in as_superuser(query, str(alice.organisation.id))]

    form(alice).get("/api-keys?whose=mine")
    assert noted() == []
    form(alice).get("/api-keys")
    assert noted() == [alice.user_id]
    api(alice).get("/auth/keys")
    assert noted() == [alice.user_id]


def test_the_list_says_how_each_key_stands(form, alice):
    for name in ("Active", "Revoked", "Replaced"):
        key, _secret = a_key(alice, name)
        if name == "Revoked":
            revoke_api_key(alice.actor, key.id)
        if name == "Replaced":
            rotate_api_key(alice.actor, key.id, Rotation())
    a_key(alice, "Soon", expires_at=clock.now() + timedelta(days=2))
    page = form(alice).get("/api-keys").text
    for said in ("Active", "Revoked", "Replaced", "Never used", "No end"):
        assert said in page, said
    assert "Ends soon" in page


def test_the_last_use_is_shown_with_its_network_not_its_address(form, api, alice):
    _key, secret = a_key(alice)
    door = api(alice)
    door.client.get(
        "/api/v1/tasks",
        headers={"Authorization": f"Bearer {secret}"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.77"},
    )
    page = form(alice).get("/api-keys").text
    assert "203.0.113.0/24" in page
    assert "203.0.113.77" not in page


def test_a_key_is_rotated_by_a_form_and_both_secrets_have_their_time(form, api, alice):
    key, old = a_key(alice)
    door = form(alice)
    assert "How long the old one is good" in door.get(f"/api-keys/{key.id}/rotate").text
    made = door.post(f"/api-keys/{key.id}/rotation", overlap_hours="1")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    program = api(alice)
    for secret in (old, secret_on(made)):
        program.headers = {"Authorization": f"Bearer {secret}"}
        assert program.get("/tasks").status_code == 200
    assert door.post(f"/api-keys/{key.id}/rotation", overlap_hours="1").status_code == 409
    assert door.post(f"/api-keys/{key.id}/rotation", overlap_hours="200").status_code == 422


def test_a_key_is_revoked_after_a_question(form, alice):
    key, _secret = a_key(alice)
    door = form(alice)
    assert "Revoke this key?" in door.get(f"/api-keys/{key.id}/revoke").text
    answer = door.post(f"/api-keys/{key.id}/revocation")
    assert answer.status_code == 303
    assert "The key Import is revoked." in door.get("/api-keys").text


def test_the_list_is_paged(form, alice):
    for number in range(3):
        a_key(alice, f"Key {number}")
    first = form(alice).get("/api-keys?limit=2")
    assert "Key 2" in first.text
    assert "Key 0" not in first.text
    assert 'rel="next"' in first.text


def test_a_program_lists_and_ends_keys(api, alice):
    key, _secret = a_key(alice)
    door = api(alice)
    listed = door.get("/auth/keys").json["data"]
    assert str(key.id) in [row["id"] for row in listed]
    assert "secret" not in listed[0]
    assert door.send("DELETE", f"/auth/keys/{key.id}").status_code == 204
    assert door.send("DELETE", f"/auth/keys/{key.id}").status_code == 204


def test_a_program_makes_no_key(api, alice):
    assert api(alice).send("POST", "/auth/keys", {"name": "Child"}).status_code == 405


def test_a_stranger_sees_nothing_of_them(form, mallory, alice):
    key, _secret = a_key(alice, "Hidden")
    assert "Hidden" not in form(mallory).get("/api-keys").text
    assert form(mallory).get(f"/api-keys/{key.id}/revoke").status_code == 404
    assert cast.system(alice.organisation).tenant_id != mallory.organisation.id
