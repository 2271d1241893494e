"""Who is here: told to those who may see the page, with names to those who may see people, and of nobody else."""

from __future__ import annotations

import json
import math
import time
from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.commands.access_grants import delete_access_grant
from app.commands.access_roles import create_access_role
from app.commands.profiles import update_profile
from app.commands.users import deactivate_user
from app.core import clock, crowds, tenancy, valkey
from app.core.actor import SignedIn
from app.core.database import db
from app.core.ids import new_token
from app.models.access_grants import AccessGrant
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.models.users import User
from app.schemas.access_roles import NewAccessRole
from app.schemas.profiles import ProfileChanges
from app.web.cursors import MOST_A_SECOND
from app.web.presence import MOST_SHOWN
from app.web.stored_sessions import token_hash
from tests import cast
from tests.factories import a_grant, a_program, a_task
from tests.security.lines import Line

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("within_earshot")]

MANY = 60  # each costs a shake of hands: with 300 it passes as well, and takes four times as long


@pytest.fixture
def channel(alice):
    return f"task.{a_task(alice).id}"


@pytest.fixture
def place(alice):
    """A program that guests can be let into, and the channel of a task in it."""
    program = a_program(alice)
    return program, f"task.{a_task(alice, program).id}"


def let_in(alice, name, program, role="viewer"):
    person = cast.join(alice.organisation, name)
    grant = a_grant(alice, role, person, program_id=program.id)
    return cast.play(alice.organisation, name), grant


def a_viewer(alice, name):
    a_grant(alice, "viewer", cast.join(alice.organisation, name))
    return cast.play(alice.organisation, name)


def names(told):
    return [each["name"] for each in told["joined"]]


def test_two_on_a_page_see_each_other_and_nobody_twice(alice, bob, line, channel):
    bobs = line(bob)
    assert bobs.be_at(channel) | {"joined": []} == {
        "event": "presence", "channel": channel, "whole": True, "you": True, "count": 1, "joined": [], "left": []
    }  # fmt: skip
    alices, again = line(alice), line(alice)
    alices.be_at(channel)
    came = bobs.sees(channel, 2)
    assert (names(came), came["left"], came["joined"][0].keys()) == (
        ["Alice"], [], {"id", "name", "initials", "hue", "picture"}
    )  # fmt: skip
    again.be_at(channel)
    again.connection.close()
    bobs.say(event="edits", channel=channel, here=True)
    alices.sees(channel, 1, "edits")
    alices.connection.close()
    gone = bobs.sees(channel, 1)
    assert gone["left"] == [alice.user_id]
    assert [told["count"] for told in bobs.heard if told["event"] == "presence"] == [1, 2, 1]


def test_somebody_who_changes_over_to_another_socket_is_not_gone_meanwhile(alice, bob, line, channel):
    alices, bobs = line(alice), line(bob)
    bobs.be_at(channel)
    alices.be_at(channel)
    bobs.sees(channel, 2)
    alices.connection.close()
    line(alice).be_at(channel)
    line(a_viewer(alice, "gina")).be_at(channel)
    bobs.sees(channel, 3)
    assert [told["count"] for told in bobs.heard if told["event"] == "presence" and "whole" not in told] == [2, 3]


def test_who_writes_is_told_to_who_is_there_and_not_what(alice, bob, line, channel):
    alices, bobs = line(alice), line(bob)
    bobs.be_at(channel)
    alices.be_at(channel)
    alices.say(event="edits", channel=channel, here=True, text="A secret draft")
    told = bobs.sees(channel, 1, "edits")
    assert (names(told), told["you"]) == (["Alice"], False)
    assert alices.sees(channel, 1, "edits")["you"] is True  # nobody is told of themselves as of somebody else
    alices.say(event="edits", channel=channel, here=False)
    assert bobs.sees(channel, 0, "edits")["left"] == [alice.user_id]
    assert alices.sees(channel, 0, "edits")["you"] is False
    assert "secret draft" not in json.dumps(bobs.heard)


def test_nobody_is_where_they_may_not_look(alice, line, place):
    program, _ = place
    gina, _grant = let_in(alice, "gina", program)
    strange = a_task(alice)
    alices, ginas = line(alice), line(gina)
    alices.be_at(f"task.{strange.id}")
    things = [f"task.{strange.id}", f"board.{strange.program_id}", f"user.{alice.user_id}"]
    forged = [*things, "task", "x", "", "task." + "9" * 500]
    for channel in forged:
        ginas.say(event="presence", channel=channel, here=True)
        ginas.say(event="subscribe", channel=channel)
        ginas.say(event="presence", channel=channel, here=True)
        ginas.say(event="edits", channel=channel, here=True)
    line(alice).be_at(f"task.{strange.id}")  # a round later
    assert ginas.all_so_far() == [
        {"event": "subscribed" if channel == "task" else "refused", "channel": channel[:100]} for channel in forged
    ]
    assert "Gina" not in json.dumps(alices.all_so_far())


def test_a_recorded_line_names_nobody_to_who_may_not_see_people(alice, bob, line, place):
    program, channel = place
    role = create_access_role(alice.actor, NewAccessRole(name="Onlooker", permissions=("task.view",)))
    alice.organisation.roles["onlooker"] = role.id
    gina, _grant = let_in(alice, "gina", program, role="onlooker")
    ginas, bobs = line(gina), line(bob)
    ginas.be_at(channel)
    bobs.be_at(channel)
    bobs.say(event="edits", channel=channel, here=True)
    ginas.sees(channel, 2)
    ginas.sees(channel, 1, "edits")
    bobs.connection.close()
    ginas.sees(channel, 1)
    recorded = json.dumps(ginas.heard)
    for secret in ("Bob", "joined", "left", f'"id": {bob.user_id}'):
        assert secret not in recorded


def test_who_is_let_go_is_gone_at_once_and_hears_no_more(alice, line, place):
    program, channel = place
    gina, grant = let_in(alice, "gina", program)
    alices, ginas = line(alice), line(gina)
    alices.be_at(channel)
    ginas.be_at(channel)
    alices.sees(channel, 2)
    delete_access_grant(alice.actor, grant.id)
    assert alices.sees(channel, 1)["left"] == [gina.user_id]
    ginas.until(lambda told: told == {"event": "revoked", "channel": channel})
    alices.say(event="edits", channel=channel, here=True)
    alices.sees(channel, 1, "edits")
    ginas.say(event="presence", channel=channel, here=True)
    assert ginas.all_so_far() == []
    assert _members(alice, channel) == {alice.user_id}


def test_who_is_shown_the_door_is_not_seen_there(alice, bob, line, channel):
    alices, bobs = line(alice), line(bob)
    alices.be_at(channel)
    bobs.be_at(channel)
    alices.sees(channel, 2)
    deactivate_user(alice.actor, bob.user_id)
    assert alices.sees(channel, 1)["left"] == [bob.user_id]


def test_who_does_not_want_to_be_seen_is_nowhere_and_sees_others(alice, line, channel):
    gina = a_viewer(alice, "gina")
    alices = line(alice)
    alices.be_at(channel)
    _be_shown(gina, is_shown=False)
    try:
        here = line(gina).be_at(channel)
        assert (here["you"], here["count"], names(here)) == (False, 1, ["Alice"])
        assert _members(alice, channel) == {alice.user_id}
    finally:
        _be_shown(gina, is_shown=True)
    assert alices.sees(channel, 2)["joined"][0]["id"] == gina.user_id
    _renamed(gina, "Gina the Second")
    assert alices.until(lambda told: told.get("joined"))["joined"][0]["name"] == "Gina the Second"
    _renamed(gina, "Gina")
    _be_shown(gina, is_shown=False)
    assert alices.sees(channel, 1)["left"] == [gina.user_id]
    _be_shown(gina, is_shown=True)


def test_who_ends_without_a_word_is_gone_when_their_time_is_up(alice, bob, line, channel, monkeypatch):
    monkeypatch.setattr(crowds, "STAY", 0.5)
    crowd = crowds.Crowd("presence", alice.organisation.id, channel)
    alices = line(alice)
    crowds.keep({(crowd, crowds.Member(bob.user_id, "a process that was killed")): crowds.until(0.5)})
    assert names(alices.be_at(channel)) in (["Alice", "Bob"], ["Alice"])
    alices.sees(channel, 1)


def test_who_points_is_seen_by_those_beside_them_only_and_a_flood_is_dropped(alice, bob, line, place):
    program, _ = place
    board = f"board.{program.id}"
    role = create_access_role(alice.actor, NewAccessRole(name="Onlooker", permissions=("program.view", "task.view")))
    alice.organisation.roles["onlooker"] = role.id
    gina, _grant = let_in(alice, "gina", program, role="onlooker")
    alices, bobs, ginas, elsewhere = line(alice), line(bob), line(gina), line(bob)
    alices.be_at(board)
    alices.say(event="cursor", channel=board, x=0.5, y=0.5)  # nobody is there who could see it
    bobs.be_at(board)
    ginas.be_at(board)
    elsewhere.be_at(f"program.{program.id}")
    bobs.sees(board, 3)
    for x, y in ((-1, 0), (2, 0), (True, 0), ("0", 0), (None, 0), ([], {})):
        alices.say(event="cursor", channel=board, x=x, y=y)
    alices.say(event="cursor", channel=f"program.{program.id}", x=0.1, y=0.1)  # where alice is not
    alices.say(event="cursor", channel=board, x=0.123456, y=1)
    assert bobs.until(lambda told: told["event"] == "cursor") == {
        "event": "cursor", "channel": board, "user": alice.user_id, "x": 0.1235, "y": 1
    }  # fmt: skip
    for number in range(40):
        alices.say(event="cursor", channel=board, x=number / 40, y=0)
    bobs.say(event="cursor", channel=board, x=1, y=1)
    alices.until(lambda told: told["event"] == "cursor")
    pointed = [told for told in bobs.all_so_far() if told["event"] == "cursor"]
    assert len(pointed) <= 2 * MOST_A_SECOND
    assert all(told["user"] == alice.user_id for told in pointed)
    for each in (ginas, elsewhere):
        assert "cursor" not in json.dumps(each.all_so_far())
    keys = b" ".join(valkey.client().scan_iter("*", count=1000))
    assert b"cursor" not in keys


def test_a_crowd_that_comes_is_told_of_once_a_second_and_not_all_by_name(alice, live, channel):
    people = _many(alice.organisation)
    began = time.monotonic()
    lines = [Line.of(live, cookie, alice.organisation.slug) for cookie in people]
    try:
        for each in lines:
            each.say(event="subscribe", channel=channel)
            each.say(event="presence", channel=channel, here=True)
        for each in lines:
            each.until(lambda told: told.get("count") == MANY)
        seconds = math.ceil(time.monotonic() - began)
        frames = [told for each in lines for told in each.heard if told["event"] == "presence"]
        assert len(frames) <= MANY * (seconds + 2)  # one by one it would be about two thousand
        assert max(len(told["joined"]) for told in frames) <= MOST_SHOWN
        assert max(len(json.dumps(told)) for told in frames) < 2_000
    finally:
        for each in lines:
            each.connection.close()


def _many(organisation):
    """The cookies of so many people who may look at everything."""
    cookies = [new_token() for _ in range(MANY)]
    now = clock.now()
    with tenancy.entered(db.session, organisation.id):
        people = db.session.scalars(
            insert(User).returning(User.user_id),
            [{"email": f"{cookie.lower()}@acme.example", "name": f"Person {cookie[:8]}"} for cookie in cookies],
        ).all()
        here = {"application_instance_id": organisation.id}
        db.session.execute(insert(ApplicationInstanceUser), [here | {"user_id": each} for each in people])
        role = here | {"access_role_id": organisation.roles["viewer"]}
        db.session.execute(insert(AccessGrant), [role | {"user_id": each} for each in people])
        db.session.execute(
            insert(UserSession),
            [
                {"token_hash": token_hash(cookie), "user_id": each, "expires_at": now + timedelta(days=1),
                 "data": {"_user_id": str(each), "_fresh": True}}
                for cookie, each in zip(cookies, people, strict=True)
            ],
        )  # fmt: skip
        db.session.commit()
    cast.afresh()
    return cookies


def _be_shown(player, *, is_shown):
    person = SignedIn(player.user_id, player.actor.name, player.actor.email)
    update_profile(person, ProfileChanges(is_shown=is_shown))


def _renamed(player, name):
    update_profile(SignedIn(player.user_id, player.actor.name, player.actor.email), ProfileChanges(name=name))


def _members(player, channel):
    crowd = crowds.Crowd("presence", player.organisation.id, channel)
    return {member.user_id for member in crowds.look([crowd])[crowd]}
