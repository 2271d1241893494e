"""Making API keys."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from app.commands.api_keys import create_api_key
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.parsing import parse
from app.schemas.tenants import NewApiKey
from tests.cast import system
from tests.factories import a_task
from tests.trail import as_superuser, audit_rows, audit_trail


def stored(key):
    (row,) = as_superuser("SELECT * FROM api_keys WHERE id = %s", key.id)
    return row


def test_the_secret_is_given_once_and_only_its_hash_is_kept(alice):
    key, secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))
    assert secret.startswith("ovk_live_")
    assert len(secret) > 50
    row = stored(key)
    assert row.secret_hash == hashlib.sha256(secret.encode()).digest()
    assert (row.name, row.prefix, row.scopes, row.last_used_at) == ("Import", secret[:15], ["*"], None)
    assert secret not in str(row)


def test_the_trail_knows_the_key_but_not_the_secret(alice):
    key, secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))
    assert audit_trail(key) == ["api_key.created"]
    (event,) = audit_rows(key)
    assert (event.action, event.actor_user_id, event.after_state["prefix"]) == ("create", alice.user_id, secret[:15])
    assert secret not in str(event)
    assert hashlib.sha256(secret.encode()).hexdigest() not in str(event)


def test_a_key_may_do_no_more_than_its_scopes(api, alice):
    task = a_task(alice)
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {alice.key_with('task.view')}"}
    assert door.get(f"/tasks/{task.id}").status_code == 200
    assert door.update_task(task.id, name="Changed").status_code == 403
    assert door.get("/programs").status_code == 404
    assert door.get("/certifications").status_code == 404


def test_a_key_may_do_no_more_than_its_person(api, alice, carol):
    task = a_task(alice)
    door = api(carol)
    door.headers = {"Authorization": f"Bearer {carol.key_with('*')}"}
    assert door.update_task(task.id, name="Changed").status_code == 403


def test_what_a_key_did_is_told_apart_from_what_its_person_did(api, alice):
    task = a_task(alice)
    api(alice).update_task(task.id, name="Changed")
    by_hand, by_key = audit_rows(task)
    assert (by_hand.metadata["via"], by_key.metadata["via"]) == ("session", "api_key")
    (row,) = as_superuser("SELECT prefix FROM api_keys WHERE id = %s", by_key.metadata["credential_id"])
    assert alice.api_key.startswith(row.prefix)


def test_a_key_opens_nothing_after_its_end(api, alice):
    door = api(alice)
    ends = clock.now() + timedelta(hours=1)
    door.headers = {"Authorization": f"Bearer {alice.key_with('*', expires_at=ends)}"}
    assert door.get("/tasks").status_code == 200
    with clock.stopped(ends + timedelta(seconds=1)):
        assert door.get("/tasks").status_code == 401


def test_its_last_use_is_noted_to_the_minute(api, alice):
    key, secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {secret}"}
    began = clock.now()
    for seconds in (0, 30, 90):
        with clock.stopped(began + timedelta(seconds=seconds)):
            door.get("/tasks")
    assert stored(key).last_used_at == began + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": ["task.view", "task.fly"]}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(alice, given, field):
    with pytest.raises(Invalid) as refused:
        create_api_key(alice.actor, parse(NewApiKey, {"user_id": alice.user_id, "name": "Import"} | given))
    assert list(refused.value.fields) == [field]


def test_there_is_no_key_for_somebody_who_works_elsewhere(alice, mallory):
    with pytest.raises(Invalid, match="invalid"):
        create_api_key(system(alice.organisation), NewApiKey(user_id=mallory.user_id, name="Theirs"))


def test_everybody_who_works_makes_keys_for_themselves_and_nobody_for_somebody_else(alice, bob, carol):
    key, _secret = create_api_key(bob.actor, NewApiKey(user_id=bob.user_id, name="Mine"))
    assert key.user_id == bob.user_id
    for maker, person in ((carol, carol), (alice, bob), (bob, alice)):
        with pytest.raises(Forbidden):
            create_api_key(maker.actor, NewApiKey(user_id=person.user_id, name="Theirs"))


def test_a_key_makes_no_key(alice):
    with pytest.raises(Forbidden, match="sign in yourself"):
        create_api_key(
            replace(alice.actor, authenticated_by="api_key"), NewApiKey(user_id=alice.user_id, name="Its child")
        )


def test_an_operator_makes_one_on_the_command_line(web_app, api, alice):
    made = web_app.test_cli_runner().invoke(
        args=["api-key", "create", alice.organisation.slug, alice.actor.email, "--scope", "task.view"]
    )
    assert made.exit_code == 0, made.output
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {made.output.strip()}"}
    assert door.get("/tasks").status_code == 200
    assert door.get("/programs").status_code == 404
    assert system(alice.organisation).user_id is None
