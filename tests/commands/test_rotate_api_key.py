"""Exchanging API keys for new ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.commands.api_keys import create_api_key, revoke_api_key, rotate_api_key
from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.parsing import parse
from app.schemas.api_keys import Rotation
from app.schemas.tenants import NewApiKey
from tests.trail import audit_rows, audit_trail

DAY = Rotation(overlap_hours=24)


@pytest.fixture
def key(alice):
    new = NewApiKey(user_id=alice.user_id, name="Import", scopes=("task.view",), networks=("127.0.0.0/8",))
    return create_api_key(alice.actor, new)


def opens(api, player, secret) -> int:
    door = api(player)
    door.headers = {"Authorization": f"Bearer {secret}"}
    return door.get("/tasks").status_code


def test_the_new_one_may_the_same_and_the_old_one_is_good_for_a_while(api, alice, key):
    old, secret = key
    made, fresh = rotate_api_key(alice.actor, old.id, DAY)
    rotated_at = clock.now()
    assert fresh != secret
    assert (made.name, made.scopes, made.networks) == ("Import", ["task.view"], ["127.0.0.0/8"])
    assert (made.user_id, made.replaces_id) == (alice.user_id, old.id)
    assert [opens(api, alice, each) for each in (secret, fresh)] == [200, 200]
    with clock.stopped(rotated_at + timedelta(hours=24)):
        assert [opens(api, alice, each) for each in (secret, fresh)] == [401, 200]


def test_without_an_overlap_the_old_one_ends_at_once(api, alice, key):
    old, secret = key
    _made, fresh = rotate_api_key(alice.actor, old.id, Rotation(overlap_hours=0))
    assert [opens(api, alice, each) for each in (secret, fresh)] == [401, 200]


def test_a_key_lasts_as_long_as_the_one_it_replaces_was_made_for(alice):
    began = clock.now()
    with clock.stopped(began):
        new = NewApiKey(user_id=alice.user_id, name="Import", expires_at=began + timedelta(days=90))
        old, _secret = create_api_key(alice.actor, new)
    with clock.stopped(began + timedelta(days=80)):
        made, _fresh = rotate_api_key(alice.actor, old.id, DAY)
    assert made.expires_at == began + timedelta(days=170)


def test_an_overlap_never_makes_the_old_one_last_longer(alice):
    ends = clock.now() + timedelta(hours=2)
    old, _secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import", expires_at=ends))
    rotate_api_key(alice.actor, old.id, Rotation(overlap_hours=168))
    [_made, rotated] = audit_rows(old)
    assert "expires_at" not in rotated.after_state


def test_the_trail_names_both_and_no_secret(alice, key):
    old, _secret = key
    made, fresh = rotate_api_key(alice.actor, old.id, DAY)
    assert audit_trail(old) == ["api_key.created", "api_key.rotated"]
    assert audit_trail(made) == ["api_key.created"]
    rotated = audit_rows(old)[-1]
    assert rotated.metadata["facts"] == {"by": str(made.id)}
    assert fresh not in str([*audit_rows(old), *audit_rows(made)])


def test_a_key_is_rotated_once(alice, key):
    old_id = key[0].id
    made_id = rotate_api_key(alice.actor, old_id, DAY)[0].id
    with pytest.raises(Conflict, match="rotated already"):
        rotate_api_key(alice.actor, old_id, DAY)
    assert rotate_api_key(alice.actor, made_id, DAY)[0].replaces_id == made_id


def test_a_key_that_has_ended_stays_so(alice, key):
    revoke_api_key(alice.actor, key[0].id)
    with pytest.raises(Conflict, match="has ended"):
        rotate_api_key(alice.actor, key[0].id, DAY)
    ends = clock.now() + timedelta(hours=2)
    old, _secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import", expires_at=ends))
    with clock.stopped(ends), pytest.raises(Conflict, match="has ended"):
        rotate_api_key(alice.actor, old.id, DAY)


def test_nobody_learns_the_secret_of_somebody_elses_key(alice, bob, carol, mallory, key):
    theirs, _secret = create_api_key(bob.actor, NewApiKey(user_id=bob.user_id, name="Theirs"))
    of_alice, of_bob = key[0].id, theirs.id
    with pytest.raises(Forbidden, match="by the person it acts for"):
        rotate_api_key(alice.actor, of_bob, DAY)
    for stranger in (bob, carol, mallory):
        with pytest.raises(NotFound):
            rotate_api_key(stranger.actor, of_alice, DAY)


def test_a_key_exchanges_itself_and_no_other(alice, key):
    wide, _secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Wide"))
    own_id, wide_id = key[0].id, wide.id
    itself = replace(alice.actor, authenticated_by="api_key", credential_id=own_id)
    with pytest.raises(Forbidden, match="itself only"):
        rotate_api_key(itself, wide_id, DAY)
    assert rotate_api_key(itself, own_id, DAY)[0].replaces_id == own_id


def test_a_key_without_the_scope_to_exchanges_nothing(api, alice, key):
    old, secret = key
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {secret}"}
    assert door.send("POST", f"/auth/keys/{old.id}/rotate").status_code == 404


def test_a_program_exchanges_its_own_key(api, alice):
    old, secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {secret}"}
    answer = door.send("POST", f"/auth/keys/{old.id}/rotate", {"overlap_hours": 0})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    fresh = answer.json["data"]
    assert fresh["replaces_id"] == str(old.id)
    assert [opens(api, alice, each) for each in (secret, fresh["secret"])] == [401, 200]


def test_an_operator_rotates_one_on_the_command_line(web_app, api, alice, key):
    made = web_app.test_cli_runner().invoke(
        args=["api-key", "rotate", alice.organisation.slug, str(key[0].id), "--overlap", "0"]
    )
    assert made.exit_code == 0, made.output
    assert [opens(api, alice, each) for each in (key[1], made.output.strip())] == [401, 200]


@pytest.mark.parametrize("hours", [-1, 169, "many", 1.5, True])
def test_an_overlap_is_seven_days_at_most(hours):
    with pytest.raises(Invalid):
        parse(Rotation, {"overlap_hours": hours})
