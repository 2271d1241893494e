"""What is told with an element: byte for byte what its reader would be answered, and written once for all alike."""

from __future__ import annotations

import json
from dataclasses import replace
from operator import attrgetter

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task, unassign_task
from app.commands.tasks import delete_task, move_task, update_task
from app.core.database import db
from app.core.ids import new_secret_id
from app.core.live import announcement
from app.models.user_sessions import UserSession
from app.queries.socket_holders import Holder
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment, Move, TaskChanges
from app.web.elements import CARD, Writer
from app.web.live_judge import Judge
from app.web.stored_sessions import token_hash
from tests import cast
from tests.blueprints.test_times import prefers
from tests.factories import a_certification, a_grant, a_program, a_task, an_avatar
from tests.security.newcomers import newcomer

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("within_earshot")]


def kept(thing):
    """What stays readable whatever becomes of the session of the test."""
    cast.afresh()
    return thing


@pytest.fixture
def program(alice):
    return kept(a_program(alice, name="Spring"))


@pytest.fixture
def board(program):
    return f"board.{program.id}"


def freelancer(alice, *tasks):
    """Somebody who sees what they are on, and nobody's picture but their own."""
    own = ("program.view_own", "task.view_own", "task.move")
    role = kept(create_access_role(alice.actor, NewAccessRole(name=f"Freelancer {new_secret_id()}", permissions=own)))
    person = newcomer(alice.organisation, None)
    give = NewAccessGrant(access_role_id=role.id, user_id=person.user_id)
    create_access_grant(alice.actor, give)
    for task in tasks:
        assign_task(alice.actor, task.id, Assignment(user_id=person.user_id))
    return person


def test_each_is_told_of_a_card_as_their_own_request_would_be_answered(
    acme, alice, bob, carol, program, board, line, htmx
):
    task = kept(a_task(alice, program, name="Draft <b>the</b> letter", estimate_minutes=123456))
    german, elsewhere, guest, on_it_alone = (newcomer(acme, role) for role in ("member", "viewer", None, None))
    prefers(german, locale="de-DE")
    prefers(elsewhere, time_zone="Pacific/Auckland", is_compact=True)
    a_grant(alice, "viewer", guest, program_id=program.id)
    a_grant(alice, "member", on_it_alone, program_id=program.id)
    dora = freelancer(alice, task)
    for person in (bob, dora):
        an_avatar(person)
        assign_task(alice.actor, task.id, Assignment(user_id=person.user_id))
    readers = [alice, bob, carol, german, elsewhere, guest, on_it_alone, dora]
    lines = [line(player, board) for player in readers]
    move_task(alice.actor, task.id, Move(state="doing"))
    for player, theirs in zip(readers, lines, strict=True):
        told = theirs.next()
        answer = htmx(player).get(f"/tasks/{task.id}/card")
        assert (told["event"], told["channel"]) == ("task.updated", board)
        assert told["html"] == answer.text, player.name
        assert theirs.all_so_far() == []
    cards = [each.heard[-2]["html"] for each in lines]
    assert len(set(cards)) == 4, "of who may move it, of who may not, in German, and of a freelancer"


def test_no_byte_of_a_task_is_told_to_who_may_not_see_it(acme, alice, mallory, program, board, line):
    secret, shown = (kept(a_task(alice, program, name=name)) for name in ("Secret", "Shown"))
    dora = freelancer(alice, shown)
    inside = line(dora, board, "task")
    outside = line(mallory, "task")
    assert outside.follow(board) == "refused"
    for task in (secret, shown):
        move_task(alice.actor, task.id, Move(state="doing"))
    assert {told["channel"] for told in (inside.next(), inside.next())} == {board, "task"}
    assert (inside.all_so_far(), outside.all_so_far()) == ([], [])
    assert "Secret" not in str(inside.heard)
    assert str(secret.id) not in str(inside.heard)


def test_who_was_let_go_a_moment_before_is_told_nothing(acme, alice, program, board, line, monkeypatch):
    """Even where the live process has not heard yet that they were."""
    guest = newcomer(acme, None)
    grant = kept(a_grant(alice, "viewer", guest, program_id=program.id))
    task = kept(a_task(alice, program))
    guests = line(guest, board)
    with monkeypatch.context() as unheard:
        unheard.setattr("app.core.live.publish", lambda *_told: None)
        delete_access_grant(alice.actor, grant.id)
    update_task(alice.actor, task.id, TaskChanges(name="Not for them"))
    assert guests.all_so_far() == []


def test_who_is_taken_off_a_task_is_told_which_one_and_others_who_do_not_see_it_nothing(alice, program, board, line):
    task, other = (kept(a_task(alice, program, name=name)) for name in ("Secret", "Shown"))
    dora, erin = freelancer(alice, task, other), freelancer(alice, other)
    doras, erins, alices = (line(player, board, "task") for player in (dora, erin, alice))
    unassign_task(alice.actor, task.id, dora.user_id)
    told = [doras.next() for _ in range(2)]
    places = {each.pop("id") for each in told}
    assert len(places) == 1
    assert sorted(told, key=str) == [
        {"event": "changed", "channel": channel, "gone": str(task.id)} for channel in (board, "task")
    ]
    assert (doras.all_so_far(), erins.all_so_far()) == ([], [])
    assert {alices.next()["event"] for _ in range(2)} == {"task.updated"}
    assert "gone" not in str(alices.heard)


def test_who_is_taken_off_a_task_while_away_is_told_when_they_come_back_and_once(alice, program, board, line):
    task, other, seen = (kept(a_task(alice, program, name=name)) for name in ("Secret", "Shown", "In sight"))
    dora, erin = freelancer(alice, task, other, seen), freelancer(alice, other)
    a_grant(alice, "viewer", dora, task_id=seen.id)
    lines = [line(player, board) for player in (dora, erin)]
    update_task(alice.actor, other.id, TaskChanges(name="Shown to both"))
    [last] = {each.next()["id"] for each in lines}
    for each in lines:
        each.connection.close()
    for each in (task, seen):
        unassign_task(alice.actor, each.id, dora.user_id)
    update_task(alice.actor, other.id, TaskChanges(name="Shown to both, and later"))
    doras, erins = (line(player, board, last=last) for player in (dora, erin))
    told = doras.all_so_far()
    assert [each["event"] for each in told] == ["task.updated", "task.updated", "changed"]
    assert (told[-1]["gone"], told[-1]["channel"]) == (str(task.id), board)
    assert [each["event"] for each in erins.all_so_far()] == ["task.updated"]
    again = line(dora, board, last=max(each["id"] for each in told))
    assert again.all_so_far() == []


def test_who_missed_too_much_is_told_even_so_what_they_were_taken_off(alice, program, board, line):
    task, other = (kept(a_task(alice, program)) for _ in range(2))
    dora = freelancer(alice, task, other)
    doras = line(dora, board)
    update_task(alice.actor, other.id, TaskChanges(name="Heard"))
    last = doras.next()["id"]
    doras.connection.close()
    unassign_task(alice.actor, task.id, dora.user_id)
    for number in range(70):
        update_task(alice.actor, other.id, TaskChanges(name=f"Number {number}"))
    told = line(dora, board, last=last).all_so_far()
    assert [(each["event"], each.get("gone")) for each in told] == [("resync", None), ("changed", str(task.id))]


def test_what_is_gone_is_told_without_content(alice, bob, program, board, line):
    task = kept(a_task(alice, program))
    bobs = line(bob, board)
    delete_task(alice.actor, task.id)
    told = bobs.next()
    assert (told["event"], told["channel"], "html" in told) == ("task.deleted", board, False)


def test_how_far_a_certification_has_come_is_seen_on_the_card_of_its_task(alice, bob, program, board, line, htmx):
    task = kept(a_task(alice, program))
    bobs = line(bob, board)
    a_certification(alice, task_id=task.id)
    told = bobs.until(lambda told: "Certified" in told["html"])
    assert (told["event"], told["channel"]) == ("task.updated", board)
    assert told["html"] == htmx(bob).get(f"/tasks/{task.id}/card").text


class Reader:
    """What the judge knows of a socket; it keeps what it is told."""

    viewer = None

    def __init__(self, player, channel):
        token = token_hash(player.cookie)
        session_id = db.session.scalars(select(UserSession.id).where(UserSession.token_hash == token)).one()
        self.holder = Holder(session_id, player.user_id, player.organisation.id)
        self.channels, self.heard = {channel}, []
        self.pass_on = self.tell = self.heard.append


class Counting(Writer):
    """A writer who counts."""

    count = 0

    def write(self, *what):
        """Write, and count it."""
        self.count += 1
        return super().write(*what)


@pytest.fixture
def judge(web_app):
    return Judge(web_app, None, None, Counting(web_app))


def judged(judge):
    """Judge all that waits, as the live process does in a thread of its own."""
    while not judge._cases.empty():
        judge._cases.get()()


def test_a_card_is_written_once_for_fifty_who_see_the_same_and_once_for_a_burst(acme, alice, program, board, judge):
    task = kept(a_task(alice, program))
    fifty = [Reader(newcomer(acme), board) for _ in range(50)]
    viewers = [Reader(newcomer(acme, "viewer"), board) for _ in range(2)]
    for number in range(3):
        renamed = update_task(alice.actor, task.id, TaskChanges(name=f"Number {number}"))
        told = announcement(renamed, "updated")
        judge.show_those_who_see(told, f"{number}-0", board, CARD, [*fifty, *viewers])
    judged(judge)
    assert judge._writer.count == 2
    assert len({id(reader.heard[0]) for reader in fifty}) == 1, "encoded once as well"
    assert {len(reader.heard) for reader in (*fifty, *viewers)} == {1}
    assert b"Number 2" in fifty[0].heard[0]
    assert fifty[0].heard != viewers[0].heard


def test_a_session_that_has_ended_is_told_nothing_while_another_of_the_same_person_goes_on(
    alice, bob, program, board, judge
):
    told = announcement(a_task(alice, program), "updated")
    here, ended = Reader(bob, board), Reader(bob, board)
    ended.holder = replace(ended.holder, session_id=new_secret_id())
    judge.show_those_who_see(told, "1-0", board, CARD, [ended, here])
    judged(judge)
    assert (len(here.heard), ended.heard) == (1, [])


def test_who_could_not_be_judged_asks(alice, bob, program, board, judge, monkeypatch):
    bobs = Reader(bob, board)
    told = announcement(a_task(alice, program), "updated")

    def away(*_asked):
        raise SQLAlchemyError

    monkeypatch.setattr(judge, "_readers", away)
    judge.show_those_who_see(told, "1-0", board, CARD, [bobs])
    with pytest.raises(SQLAlchemyError):
        judged(judge)
    assert [json.loads(message) for message in bobs.heard] == [{"event": "changed", "channel": board}]


def test_what_cannot_be_written_is_asked_for_by_its_readers(acme, alice, bob, program, board, judge, monkeypatch):
    bobs = Reader(bob, board)
    told = announcement(a_task(alice, program), "updated")
    monkeypatch.setattr(judge._writer, "write", attrgetter("no_such_thing"))
    judge.show_those_who_see(told, "1-0", board, CARD, [bobs])
    judged(judge)
    assert [(b"html" in message, board.encode() in message) for message in bobs.heard] == [(False, True)]


def test_each_is_told_of_a_row_as_it_stands_in_their_own_lists(acme, alice, bob, carol, program, line, htmx):
    task = kept(a_task(alice, program, name="Draft <b>the</b> letter", estimate_minutes=123456))
    german, guest = newcomer(acme, "member"), newcomer(acme, None)
    prefers(german, locale="de-DE")
    a_grant(alice, "viewer", guest, program_id=program.id)
    dora = freelancer(alice, task)
    for person in (bob, dora):
        assign_task(alice.actor, task.id, Assignment(user_id=person.user_id))
    readers = [alice, bob, carol, german, guest, dora]
    places = ["task", f"program.{program.id}"]
    lines = [line(player, *places) for player in readers]
    move_task(alice.actor, task.id, Move(state="doing"))
    for player, theirs in zip(readers, lines, strict=True):
        told, again = theirs.next(), theirs.next()
        assert (told["event"], {told["channel"], again["channel"]}) == ("task.updated", set(places))
        assert told["html"] == again["html"] == htmx(player).get(f"/tasks/{task.id}/row").text, player.name
        for address in ("/tasks", f"/tasks?state=doing&q=letter&program={program.id}", f"/programs/{program.id}"):
            assert told["html"].strip() in htmx(player).get(address).text, (player.name, address)
        assert theirs.all_so_far() == []
    rows = [each.heard[-2]["html"] for each in lines]
    assert len(set(rows)) == 4, "of who may move it, of who may not, in German, and of a freelancer"


def test_a_row_comes_with_what_became_of_a_certification_and_none_with_what_is_new(alice, bob, program, line, htmx):
    bobs = line(bob, "task")
    task = kept(a_task(alice, program))
    told = bobs.next()
    assert (told["event"], "html" in told) == ("task.created", False), "a list is asked where it stands"
    a_certification(alice, task_id=task.id)
    told = bobs.until(lambda told: "Certified" in told["html"])
    assert (told["event"], told["channel"]) == ("task.updated", "task")
    assert told["html"] == htmx(bob).get(f"/tasks/{task.id}/row").text
