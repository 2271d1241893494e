"""Keys of programs: no more than their scopes, no more than their person, no other organisation."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from app.commands import tenants
from app.commands.api_keys import create_api_key, revoke_api_key
from app.core import clock
from app.core.errors import Invalid
from app.core.roles import PERMISSIONS
from app.models.api_keys import PREFIX, hash_of
from app.schemas.tenants import NewApiKey, NewMember
from tests import cast
from tests.cast import PASSWORD, system
from tests.factories import a_program, a_task

NO_KEYS = {
    "nothing": None,
    "no scheme": "{key}",
    "another scheme": "Basic {key}",
    "an empty one": "Bearer ",
    "only its prefix": "Bearer " + PREFIX,
    "a letter short": "Bearer {cut}",
    "a letter more": "Bearer {key}x",
    "in capitals": "Bearer {upper}",
    "two at once": "Bearer {key}, Bearer {key}",
    "a word": "Bearer null",
    "other letters": "Bearer ovk_live_\xe9",
    "its hash": "Bearer {hash}",
}


@pytest.mark.parametrize("case", NO_KEYS)
def test_what_is_no_key_opens_nothing(web_app, alice, case):
    key = alice.api_key
    told = {"key": key, "cut": key[:-1], "upper": key.upper(), "hash": hash_of(key).hex()}
    given = NO_KEYS[case]
    headers = {} if given is None else {"Authorization": given.format(**told)}
    answer = web_app.test_client().get("/api/v1/tasks", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Oversing"'


def test_a_key_that_has_ended_opens_nothing(web_app, alice):
    ends = clock.now() + timedelta(hours=1)
    key = alice.key_with("*", expires_at=ends)
    assert status(web_app, key) == 200
    with clock.stopped(ends):
        assert status(web_app, key) == 401


def test_a_key_that_was_revoked_opens_nothing_from_then_on(web_app, alice):
    made, secret = create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Lost"))
    assert status(web_app, secret) == 200
    revoke_api_key(alice.actor, made.id)
    assert status(web_app, secret) == 401


def test_a_key_cannot_be_made_to_end_before_it_begins(alice):
    with pytest.raises(Invalid):
        alice.key_with("*", expires_at=clock.now() - timedelta(seconds=1))


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(web_app, alice):
    program = a_program(alice)
    task = a_task(alice, program)
    reader = alice.key_with("task.view")
    assert status(web_app, reader, f"/api/v1/tasks/{task.id}") == 200
    assert status(web_app, reader, f"/api/v1/tasks/{task.id}", "PATCH", {"name": "x"}) == 403
    assert status(web_app, reader, f"/api/v1/tasks/{task.id}", "DELETE") == 403
    assert status(web_app, reader, "/api/v1/tasks", "POST", {"program_id": str(program.id), "name": "x"}) == 403
    assert status(web_app, reader, f"/api/v1/programs/{program.id}") == 404
    assert status(web_app, reader, "/api/v1/certifications") == 404


def test_a_refused_request_says_whether_the_key_or_its_person_lacks_it(web_app, alice, carol):
    """Who reads it knows whether to make another key or to ask for another role."""
    path = f"/api/v1/tasks/{a_task(alice, a_program(alice)).id}"
    for key, told in {
        alice.key_with("task.view"): "This key was not given the scope task.delete.",
        carol.key_with("task.view", "task.delete"): "Your role does not allow this.",
    }.items():
        answer = web_app.test_client().delete(path, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json["error"]["message"]) == (403, told)


def test_a_scope_is_a_limit_and_no_gift(web_app, alice, carol):
    """A key of carol's that names everything may still only look, as carol herself."""
    program = a_program(alice)
    key = carol.key_with(*PERMISSIONS)
    assert status(web_app, key, f"/api/v1/programs/{program.id}") == 200
    assert status(web_app, key, f"/api/v1/programs/{program.id}", "PATCH", {"name": "x"}) == 403


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
def test_a_key_with_one_scope_may_write_only_what_that_scope_names(web_app, alice, permission):
    """Every writing operation of the API, with a key for one thing: 403 or 404 but for that thing."""
    program = a_program(alice)
    task = a_task(alice, program)
    writes = {
        "program.create": ("POST", "/api/v1/programs", {"key": "SCOPE", "name": "x"}),
        "program.update": ("PATCH", f"/api/v1/programs/{program.id}", {"name": "x"}),
        "task.create": ("POST", "/api/v1/tasks", {"program_id": str(program.id), "name": "x"}),
        "task.update": ("PATCH", f"/api/v1/tasks/{task.id}", {"name": "x"}),
        "task.move": ("POST", f"/api/v1/tasks/{task.id}/workflow", {"state": "doing"}),
        "task.assign": ("POST", f"/api/v1/tasks/{task.id}/assign", {"user_id": alice.user_id}),
        "task.comment": ("POST", f"/api/v1/tasks/{task.id}/comments", {"body": "x"}),
        "task.delete": ("DELETE", f"/api/v1/tasks/{task.id}", None),
    }
    kind = permission.partition(".")[0]
    key = alice.key_with(permission, *({f"{kind}.view"} & PERMISSIONS.keys()))
    for needed, (method, path, body) in writes.items():
        got = status(web_app, key, path, method, body)
        if needed == permission:
            assert got < 300 or got == 404, needed  # what it answers with may need another scope to be seen
        else:
            assert got in (403, 404), needed


def test_a_key_belongs_to_one_organisation_also_for_somebody_of_two(web_app, alice, mallory):
    """alice works at acme and now at globex too: her key of acme shows acme and no more."""
    new = NewMember(email=alice.actor.email, name="Alice", password=PASSWORD, role="owner")
    tenants.create_member(cast.system(mallory.organisation), new)
    theirs = a_program(mallory, name="Of globex")
    assert status(web_app, alice.api_key, f"/api/v1/programs/{theirs.id}") == 404
    listed = web_app.test_client().get("/api/v1/programs", headers={"Authorization": f"Bearer {alice.api_key}"})
    assert listed.json["data"] == []


def test_nobody_can_be_given_a_key_who_does_not_work_here(alice, mallory):
    with pytest.raises(Invalid) as refused:
        create_api_key(system(alice.organisation), NewApiKey(user_id=mallory.user_id, name="Theirs"))
    assert refused.value.fields == {"user_id": "Nobody with this id works here."}


def test_the_secret_of_a_key_is_stored_nowhere(alice, play_stage):
    """The row holds a hash and the first letters; the audit trail holds not even the hash."""
    secret = alice.api_key
    with psycopg.connect(play_stage.url("superuser")) as connection:
        [row] = connection.execute(
            "SELECT k::text FROM api_keys k WHERE secret_hash = %s", [hash_of(secret)]
        ).fetchall()
        trail = connection.execute(
            "SELECT e::text FROM audit.audit_events e WHERE application_instance_id = %s", [alice.organisation.id]
        ).fetchall()
    assert secret not in row[0]
    assert secret[: len(PREFIX) + 6] in row[0]
    assert trail
    assert not any(secret in event[0] or hash_of(secret).hex() in event[0] for event in trail)


def status(web_app, key: str, path: str = "/api/v1/tasks", method: str = "GET", body=None) -> int:
    """What a program with this key gets."""
    headers = {"Authorization": f"Bearer {key}"}
    return web_app.test_client().open(path, method=method, json=body, headers=headers).status_code


NETWORKS = ("203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("203.0.113.1", 200),
        ("203.0.114.1", 401),
        ("198.51.100.7", 200),
        ("198.51.100.8", 401),
        ("2001:db8:1::5", 200),
        ("2001:db9::5", 401),
        ("::ffff:203.0.113.9", 200),
        ("", 401),
    ],
)
def test_a_key_that_is_bound_to_networks_opens_nothing_from_elsewhere(web_app, alice, address, answer):
    key = alice.key_with("*", networks=NETWORKS)
    told = {"Authorization": f"Bearer {key}", "X-Forwarded-For": "203.0.113.1"}
    got = web_app.test_client().get("/api/v1/tasks", headers=told, environ_overrides={"REMOTE_ADDR": address})
    assert got.status_code == answer
    if answer == 401:
        assert got.json["error"]["message"].startswith("Send a valid API key")
