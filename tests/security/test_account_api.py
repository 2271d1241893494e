"""What a key may learn and do about the person it acts for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.commands.sessions import keep_session
from app.core.actor import Visitor
from app.core.database import db
from app.core.ids import new_token
from app.models.identity_events import IdentityEvent
from app.models.user_sessions import UserSession
from app.web.stored_sessions import token_hash
from tests.cast import Player
from tests.factories import a_grant, a_program
from tests.security.newcomers import newcomer


@pytest.fixture
def dora(acme) -> Player:
    """Somebody whose sessions nobody else ends."""
    return newcomer(acme)


def signs_in(player: Player) -> str:
    """One more browser of somebody's; the id of its session."""
    token = new_token()
    keep_session(Visitor(), None, token_hash(token), {"_user_id": str(player.user_id)}, timedelta(days=1))
    return str(db.session.scalar(select(UserSession.id).where(UserSession.token_hash == token_hash(token))))


def sessions_of(player: Player) -> set[str]:
    db.session.rollback()
    return {str(each) for each in db.session.scalars(select(UserSession.id).filter_by(user_id=player.user_id))}


def call(web_app, key, method="GET", path="/auth"):
    return web_app.test_client().open(f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {key}"})


def test_a_key_learns_who_it_acts_for_and_where(api, alice, acme):
    answer = api(alice).get("/auth")
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json["data"]
    assert told["person"] | {"id": alice.user_id, "name": "Alice", "email": alice.actor.email} == told["person"]
    assert told["organisation"] | {"id": str(acme.id), "slug": acme.slug, "name": "Acme"} == told["organisation"]
    assert (told["roles"], told["authenticated_by"], told["scopes"]) == (["Owner"], "api_key", ["*"])
    assert set(told["permissions"]) == alice.actor.permissions
    assert told["key_id"] in [key["id"] for key in api(alice).get("/auth/keys").json["data"]]


def test_a_narrow_key_learns_only_what_it_may_itself(web_app, alice):
    told = call(web_app, alice.key_with("task.update")).json["data"]
    assert (told["scopes"], told["permissions"]) == (["task.update"], ["task.update", "task.view"])


def test_what_is_allowed_in_one_place_is_told_with_the_place(api, alice, acme):
    dora, program = newcomer(acme, role=None), a_program(alice)
    a_grant(alice, "viewer", dora, program_id=program.id)
    told = api(dora).get("/auth").json["data"]
    assert told["permissions"] == []
    [role] = told["permissions_in_places"]
    assert "task.view" in role["permissions"]
    assert role["place_ids"] == [str(program.id)]


def test_sessions_are_listed_without_what_would_open_them(api, dora):
    mine = {signs_in(dora), signs_in(dora)}
    answer = api(dora).get("/auth/sessions")
    assert {each["id"] for each in answer.json["data"]} == mine
    assert answer.headers["Cache-Control"] == "no-store"
    assert not {"token_hash", "data", "user_id"} & set(answer.json["data"][0])
    assert api(dora).get("/auth/sessions?fields=id").json["data"][0].keys() == {"id"}


def test_one_session_is_ended_and_the_others_go_on(api, dora):
    lost, kept = signs_in(dora), signs_in(dora)
    assert api(dora).send("DELETE", f"/auth/sessions/{lost}").status_code == 204
    assert sessions_of(dora) == {kept}
    assert api(dora).send("DELETE", f"/auth/sessions/{lost}").status_code == 404
    assert "user.sessions_ended" in db.session.scalars(select(IdentityEvent.event_type).filter_by(user_id=dora.user_id))


def test_signing_out_everywhere_leaves_no_session_and_the_key(api, dora, acme):
    other = newcomer(acme)
    signs_in(dora), signs_in(dora)
    theirs = signs_in(other)
    for _again in range(2):
        assert api(dora).send("DELETE", "/auth/sessions").status_code == 204
    assert sessions_of(dora) == set()
    assert sessions_of(other) == {theirs}
    assert api(dora).get("/auth").status_code == 200


def test_the_session_of_somebody_else_is_one_that_does_not_exist(api, alice, mallory, dora):
    theirs = signs_in(dora)
    for player in (alice, mallory):
        assert theirs not in api(player).get("/auth/sessions").text
        assert api(player).send("DELETE", f"/auth/sessions/{theirs}").status_code == 404
    assert sessions_of(dora) == {theirs}


@pytest.mark.parametrize(
    ("scopes", "list_status", "end_status"),
    [
        (("task.view",), 403, 403),
        (("api_key.create", "user.view"), 403, 403),
        (("user_session.view_own",), 200, 403),
        (("user_session.delete_own",), 200, 204),
    ],
)
def test_a_key_needs_the_scope_to_see_or_end_sessions(web_app, dora, scopes, list_status, end_status):
    open_one = signs_in(dora)
    key = dora.key_with(*scopes)
    assert call(web_app, key, path="/auth/sessions").status_code == list_status
    assert call(web_app, key, "DELETE", f"/auth/sessions/{open_one}").status_code == end_status
    assert (open_one in sessions_of(dora)) is (end_status == 403)
    assert call(web_app, key, "DELETE", "/auth/sessions").status_code == end_status
    assert call(web_app, key).status_code == 200


def test_the_scope_is_offered_to_everybody_whatever_their_role(form, carol):
    dora = newcomer(carol.organisation, role="member")
    page = form(dora).get("/api-keys/new").text
    assert "scope.user_session.view_own" in page
    assert "scope.user_session.delete_own" in page


def test_a_key_makes_no_other_key_and_a_cookie_opens_nothing_here(api, web_app, alice):
    assert api(alice).send("POST", "/auth/keys", {"name": "Second"}).status_code == 405
    client = web_app.test_client()
    client.set_cookie("sid", alice.cookie, domain="localhost")
    assert client.get("/api/v1/auth").status_code == 401


@pytest.mark.parametrize("path", ["/auth?x=1", "/auth/sessions?limit=5", "/auth/sessions?fields=token_hash"])
def test_an_unknown_parameter_is_refused(api, alice, path):
    assert api(alice).get(path).status_code == 400
