"""Ending API keys."""

from __future__ import annotations

import pytest

from app.commands.access_grants import create_access_grant
from app.commands.api_keys import create_api_key, revoke_api_key
from app.core.errors import Forbidden, NotFound
from app.schemas.access_grants import NewAccessGrant
from app.schemas.tenants import NewApiKey
from tests.cast import join, play, system
from tests.trail import audit_rows, audit_trail


@pytest.fixture
def key(alice):
    return create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Import"))


def test_a_revoked_key_opens_nothing_from_that_moment(api, alice, key):
    made, secret = key
    door = api(alice)
    door.headers = {"Authorization": f"Bearer {secret}"}
    assert door.get("/tasks").status_code == 200
    revoke_api_key(alice.actor, made.id)
    answer = door.get("/tasks")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert audit_trail(made) == ["api_key.created", "api_key.revoked"]
    assert list(audit_rows(made)[-1].after_state) == ["revoked_at"]


def test_revoking_twice_is_revoking_once(alice, key):
    made, _secret = key
    first = revoke_api_key(alice.actor, made.id).revoked_at
    assert revoke_api_key(alice.actor, made.id).revoked_at == first
    assert audit_trail(made) == ["api_key.created", "api_key.revoked"]


def test_one_ends_ones_own_key(bob):
    mine, _secret = create_api_key(bob.actor, NewApiKey(user_id=bob.user_id, name="Mine"))
    assert revoke_api_key(bob.actor, mine.id).revoked_at is not None


def test_the_keys_of_others_are_hidden_from_who_does_not_run_the_organisation(bob, key):
    with pytest.raises(NotFound):
        revoke_api_key(bob.actor, key[0].id)


def test_who_sees_all_keys_ends_them_only_with_the_right_to(acme, key):
    dora = join(acme, "dora")
    create_access_grant(system(acme), NewAccessGrant(access_role_id=acme.roles["auditor"], user_id=dora.user_id))
    with pytest.raises(Forbidden):
        revoke_api_key(play(acme, "dora").actor, key[0].id)


def test_a_stranger_finds_no_key_to_end(mallory, key):
    with pytest.raises(NotFound):
        revoke_api_key(mallory.actor, key[0].id)
