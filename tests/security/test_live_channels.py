"""What is told on a channel: that something has changed, to those who may see it, and no byte of what it is."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.commands.access_grants import delete_access_grant
from app.commands.programs import update_program
from app.commands.tasks import update_task
from app.core import live as events
from app.core import valkey
from app.schemas.programs import ProgramChanges
from app.schemas.tasks import TaskChanges
from app.web.sockets import MOST_CHANNELS
from tests import cast
from tests.doors import went_well
from tests.factories import a_grant, a_program, a_task
from tests.security.test_live import SIGNED_OUT, closing_code, opened, receive, told

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("within_earshot")]


def renamed(player, task, name="A secret name"):
    return update_task(player.actor, task.id, TaskChanges(name=name))


def comment(door, task, tab):
    """Say something on a task in a tab of a browser."""
    door.headers = {"X-Tab": tab}
    assert went_well(door.post(f"/tasks/{task.id}/comments", body="Done"))


def test_who_follows_a_thing_is_told_that_it_changed_and_nothing_of_what_it_is(alice, bob, line):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}")
    renamed(alice, task)
    heard = bobs.next()
    assert heard.pop("id")
    assert heard == {"event": "task.updated", "channel": f"task.{task.id}", "by": "", "version": 2}


def test_a_thing_is_told_of_on_its_own_channel_on_that_around_it_and_on_that_of_its_kind(alice, bob, line):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}", f"program.{task.program_id}", "task", "program")
    renamed(alice, task)
    assert [bobs.next()["channel"] for _ in range(3)] == [f"task.{task.id}", f"program.{task.program_id}", "task"]
    assert bobs.all_so_far() == []


def test_the_tab_in_which_it_was_done_is_named(alice, bob, line, form):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}")
    comment(form(alice), task, "0a1b2c")
    assert bobs.next()["by"] == "0a1b2c"
    comment(form(alice), task, "<script>")
    assert bobs.next()["by"] == ""


def test_nothing_is_told_any_more_of_what_is_followed_no_more(alice, bob, line):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}", "program")
    bobs.say(event="unsubscribe", channel=f"task.{task.id}")
    assert bobs.all_so_far() == []
    renamed(alice, task)
    update_program(alice.actor, task.program_id, ProgramChanges(name="Also"))
    assert bobs.next()["event"] == "program.updated"


@pytest.mark.parametrize("kind", ["task", "program", "certification", "access_role"])
def test_what_is_of_another_organisation_can_not_be_followed(alice, mallory, line, kind):
    strange = {"task": a_task(alice).id, "program": a_program(alice).id}.get(kind, uuid4())
    mallorys = line(mallory)
    assert mallorys.follow(f"{kind}.{strange}") == "refused"
    assert mallorys.follow(kind) == "subscribed"
    renamed(alice, a_task(alice))
    assert mallorys.all_so_far() == []


@pytest.mark.parametrize("who", ["mallory", "a cookie of nobody", "no cookie"])
def test_no_stranger_opens_a_socket_in_acme_and_none_is_told_that_there_is_such_a_place(live, alice, mallory, who):
    cookie = {"mallory": mallory.cookie, "a cookie of nobody": "x" * 43}.get(who, "")
    with opened(live, alice.cookie, path=f"/live?at={alice.organisation.slug}") as connection:
        assert told(connection)["event"] == "hello"
    ends = []
    for slug in (alice.organisation.slug, "no-such-organisation"):
        with opened(live, cookie, path=f"/live?at={slug}") as connection:
            ends.append(closing_code(receive(connection)))
    assert ends == [SIGNED_OUT, SIGNED_OUT]


@pytest.mark.parametrize(
    "name", ["", "task.", "task.1", "tasks", "user", "outbox", "task.*", "live", "__class__", "task." + "x" * 5000]
)
def test_what_is_no_channel_is_refused(alice, line, name):
    alices = line(alice)
    alices.say(event="subscribe", channel=name)
    assert alices.next() == {"event": "refused", "channel": name[:100]}


@pytest.mark.parametrize(
    "message", [{"event": "subscribe"}, {"event": "subscribe", "channel": 1}, {"event": "unsubscribe", "channel": None}]
)
def test_a_message_without_its_channel_is_not_known(alice, line, message):
    alices = line(alice)
    alices.say(**message)
    assert alices.next() == {"event": "error", "code": "UNKNOWN_EVENT"}


def test_somebody_follows_so_many_channels_and_no_more(alice, line):
    alices = line(alice)
    tasks = [a_task(alice).id for _ in range(2)]
    names = [f"task.{tasks[0]}", *(f"{kind}" for kind in ("task", "program", "certification"))]
    assert [alices.follow(name) for name in names] == ["subscribed"] * 4
    assert MOST_CHANNELS < 1000  # six panels in each of a dozen tabs


def test_a_guest_hears_of_the_program_that_they_were_let_into_and_of_no_other(alice, line):
    inside, outside = a_program(alice), a_program(alice)
    guest = cast.join(alice.organisation, "gina")
    a_grant(alice, "viewer", guest, program_id=inside.id)
    mine, strange = a_task(alice, inside), a_task(alice, outside)
    ginas = line(cast.play(alice.organisation, "gina"), "task")
    assert ginas.follow(f"task.{strange.id}") == "refused"
    assert ginas.follow(f"program.{outside.id}") == "refused"
    assert ginas.follow(f"task.{mine.id}") == "subscribed"
    renamed(alice, strange)
    renamed(alice, mine)
    assert {ginas.next()["channel"] for _ in range(2)} == {"task", f"task.{mine.id}"}
    assert ginas.all_so_far() == []


def test_who_is_let_go_from_a_program_while_it_is_open_is_told_so_at_once_and_hears_no_more(alice, line):
    program = a_program(alice)
    guest = cast.join(alice.organisation, "gina")
    grant = a_grant(alice, "viewer", guest, program_id=program.id)
    task = a_task(alice, program)
    ginas = line(cast.play(alice.organisation, "gina"), f"task.{task.id}", f"program.{program.id}")
    delete_access_grant(alice.actor, grant.id)
    assert [ginas.next() for _ in range(2)] == [
        {"event": "revoked", "channel": channel} for channel in (f"program.{program.id}", f"task.{task.id}")
    ]
    renamed(alice, task)
    assert ginas.all_so_far() == []


def test_who_loses_one_of_two_tasks_is_told_so_of_that_one(alice, line):
    kept, lost = a_task(alice), a_task(alice)
    gina = cast.join(alice.organisation, "gina")
    a_grant(alice, "member", gina, task_id=kept.id)
    grant = a_grant(alice, "member", gina, task_id=lost.id)
    ginas = line(cast.play(alice.organisation, "gina"), f"task.{kept.id}", f"task.{lost.id}")
    delete_access_grant(alice.actor, grant.id)
    assert ginas.next() == {"event": "revoked", "channel": f"task.{lost.id}"}
    renamed(alice, lost)
    renamed(alice, kept)
    assert ginas.next()["channel"] == f"task.{kept.id}"


def test_what_was_missed_is_told_again_to_who_comes_back(alice, bob, line):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}")
    renamed(alice, task, "One")
    last = bobs.next()["id"]
    bobs.connection.close()
    for name in ("Two", "Three"):
        renamed(alice, task, name)
    again = line(bob, f"task.{task.id}", last=last)
    assert [again.next()["version"] for _ in range(2)] == [3, 4]
    assert again.all_so_far() == []


def test_who_was_away_for_too_long_asks_anew_for_everything(alice, bob, line, monkeypatch):
    task = a_task(alice)
    renamed(alice, task, "One")
    monkeypatch.setattr(events, "STREAM_LENGTH", 1)
    stream = events.stream_of(alice.organisation.id)
    for number in range(3):
        renamed(alice, task, f"Number {number}")
    valkey.client().xtrim(stream, maxlen=1, approximate=False)
    bobs = line(bob)
    bobs.say(event="subscribe", channel="task", last="1-0")
    assert [bobs.next()["event"] for _ in range(2)] == ["subscribed", "resync"]


def test_who_missed_more_than_a_line_holds_asks_anew_and_is_not_let_go(alice, bob, line):
    task = a_task(alice)
    bobs = line(bob, f"task.{task.id}")
    renamed(alice, task, "One")
    last = bobs.next()["id"]
    bobs.connection.close()
    for number in range(70):
        renamed(alice, task, f"Number {number}")
    again = line(bob)
    again.say(event="subscribe", channel=f"task.{task.id}", last=last)
    assert [again.next()["event"] for _ in range(2)] == ["subscribed", "resync"]
    renamed(alice, task, "And on")
    assert again.next()["event"] == "task.updated"


def test_what_an_emptied_server_has_lost_is_asked_for_anew(alice, bob, line):
    valkey.client().delete(events.stream_of(alice.organisation.id))
    bobs = line(bob)
    bobs.say(event="subscribe", channel="task", last="1-0")
    assert [bobs.next()["event"] for _ in range(2)] == ["subscribed", "resync"]


@pytest.mark.parametrize("last", ["", "0", "$", "1-0; DEL", 7, None])
def test_a_place_that_is_none_asks_for_nothing(alice, line, last):
    renamed(alice, a_task(alice))
    alices = line(alice)
    assert alices.follow("task", last=last) == "subscribed"
    assert alices.all_so_far() == []
