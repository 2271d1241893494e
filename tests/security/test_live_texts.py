"""Texts that are written together: who may, what is kept, and that nobody can break them for others."""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.shared_texts import LARGEST, compact_shared_text, save_shared_text
from app.commands.tasks import delete_task, update_task
from app.core import live as events
from app.core import valkey
from app.core.database import db
from app.core.errors import StaleVersion
from app.core.ids import new_token
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.shared_texts import SharedTextSave
from app.schemas.tasks import TaskChanges
from app.web.sockets import SIGNED_OUT
from app.web.text_messages import MISSING as REST
from app.web.text_messages import STATE, sync
from app.web.text_messages import UPDATE as CHANGE
from app.web.text_refusals import GONE, NOT_ALLOWED, NOT_UNDERSTOOD
from tests import cast
from tests.factories import a_program, a_task
from tests.security.newcomers import give_role, newcomer
from tests.security.server import read_answer, running
from tests.security.test_live import LARGEST as LARGEST_MESSAGE
from tests.security.test_live import TEXT, handshake
from tests.security.writers import Writer, presence_of
from tests.trail import audit_rows

pytestmark = pytest.mark.xdist_group("server")

TOO_BIG = 1009


def corner_of(play_stage):
    return urlunsplit(urlsplit(play_stage.redis_url)._replace(path="/12"))


@pytest.fixture(scope="module")
def start(play_stage, tmp_path_factory):
    """Starts a live process. It looks at rights by itself only long after the test."""

    def start_one(**changed):
        folder = tmp_path_factory.mktemp("live")
        told = {"REDIS_URL": corner_of(play_stage), "LIVE_RECHECK_SECONDS": "3600", "DATABASE_POOL": "1"} | changed
        return running(play_stage, folder, kind="live", **told)

    return start_one


@pytest.fixture(scope="module")
def live(start):
    """The live process."""
    with start() as server:
        yield server


@pytest.fixture(autouse=True)
def within_earshot(play_stage):
    """Say everything where the live process of this file listens."""
    valkey.configure(corner_of(play_stage))
    yield
    valkey.configure(play_stage.redis_url)


@pytest.fixture
def writer(live):
    """Brings people to a text; they are hung up after the test."""
    with ExitStack() as stack:

        def come(player, thing, text=None, server=live):
            found = Writer(server, player, thing, text)
            stack.callback(found.hang_up)
            return found

        yield come


@pytest.fixture
def task(alice):
    return SimpleNamespace(kind="task", id=a_task(alice, description="Once upon a time").id)


def saved(player, task, words, text_id, version):
    return save_shared_text(
        player.actor, "task", task.id, SharedTextSave(description=words, version=version, shared_text_id=text_id)
    )


def test_two_people_write_at_once_and_come_to_the_same_words(writer, alice, bob, task):
    alices, bobs = writer(alice, task).join(), writer(bob, task).join()
    assert str(alices) == str(bobs) == "Once upon a time"
    assert alices.text_id == bobs.text_id
    alices.write(" there was a door.")
    bobs.read_until_it_says("Once upon a time there was a door.")
    mine = alices.type(lambda text: text.insert(0, "⟨"))  # both without having heard of the other
    theirs = bobs.type(lambda text: text.insert(len(str(text).encode()), " 🦜"))
    for each, updates in ((alices, mine), (bobs, theirs)):
        for update in updates:
            each.say(sync(CHANGE, update))
    for each in (alices, bobs):
        each.read_until_it_says("⟨Once upon a time there was a door. 🦜")


def test_what_was_done_without_a_line_comes_in_when_it_is_back(writer, alice, bob, task):
    alices = writer(alice, task).join()
    first = alices.text_id
    alices.hang_up()
    alices.type(lambda text: [text.insert(0, "a") for _number in range(50)])
    bobs = writer(bob, task).join()
    bobs.write("b" * 50)
    back = writer(alice, task, first)
    back.doc, back.text = alices.doc, alices.text
    back.join()
    back.say(sync(REST, bytes(back.doc.get_update(bobs.doc.get_state()))))
    bobs.read_until_it_says("a" * 50 + "Once upon a time" + "b" * 50)
    assert str(back) == str(bobs)


def test_what_is_kept_survives_the_process_and_the_server_between(start, writer, alice, bob, task):
    with start(REDIS_URL="redis://127.0.0.1:9/0", LIVE_RECHECK_SECONDS="0.4") as deaf:
        elsewhere = writer(bob, task, server=deaf).join()
        alices = writer(alice, task).join()
        alices.write(" in the first process.")
        elsewhere.read_until_it_says("Once upon a time in the first process.")  # nobody told it: it has looked
        elsewhere.write(" And in the other.")
        elsewhere.hang_up()
    alices.write("!")  # which is after what the process that has ended has kept, and makes the room look
    alices.until(lambda: "And in the other." in str(alices))
    assert sorted(str(alices)) == sorted("Once upon a time in the first process. And in the other.!")


def test_processes_tell_each_other_at_once(start, writer, alice, bob, task):
    with start() as other:
        elsewhere, here = writer(bob, task, server=other).join(), writer(alice, task).join()
        here.say(presence_of(11))
        here.write(" there")
        elsewhere.read_until_it_says("Once upon a time there")
        elsewhere.say(bytes([3]))  # who is there?
        elsewhere.until(lambda: 11 in elsewhere.people)
        assert elsewhere.people[11] == {"id": alice.user_id, "name": alice.actor.name}
        elsewhere.hang_up()
        assert "Traceback" not in other.log


def test_a_reader_sees_it_grow_and_changes_nothing(writer, alice, carol, task):
    writer(alice, task).join()
    reads = writer(carol, task).join()
    assert str(reads) == "Once upon a time"
    assert reads.notes[0]["writes"] is False
    for update in reads.type(lambda text: text.insert(0, "Not ")):
        reads.say(sync(CHANGE, update))
    assert reads.ended_with() == NOT_ALLOWED
    again = writer(carol, task).join()
    again.say(sync(REST, update))
    assert again.ended_with() == NOT_ALLOWED
    assert str(writer(alice, task).join()) == "Once upon a time"


def test_a_reader_begins_nothing(writer, carol, task):
    assert writer(carol, task).ended_with() == GONE


def test_a_text_of_somebody_else_is_not_there(writer, mallory, alice, task):
    assert writer(mallory, task).ended_with() == GONE
    assert writer(alice, SimpleNamespace(kind="task", id=uuid4())).ended_with() == GONE
    assert writer(alice, SimpleNamespace(kind="user", id=task.id)).ended_with() == GONE
    assert writer(alice, task, text=uuid4()).ended_with() == GONE


def test_what_is_certified_is_never_written_together(writer, alice):
    assert writer(alice, SimpleNamespace(kind="certification", id=uuid4())).ended_with() == NOT_ALLOWED


def test_a_page_of_somebody_else_and_nobody_open_no_text(live, alice, task):
    path = f"/live/texts/task/{task.id}?at={alice.organisation.slug}"
    with live.connect() as connection:
        connection.sendall(handshake(live, "https://evil.example", alice.cookie, path))
        assert read_answer(connection).status == 403
    nobody = SimpleNamespace(cookie="", organisation=alice.organisation)
    assert Writer(live, nobody, task).ended_with() == SIGNED_OUT


BOMB = b"\xc4\x9e\xa7\x7e"  # four bytes that promise two hundred million browsers
TWO_THAT_WAIT = bytes([2, 1, 5, 0, 0x84, 6, 0, 1, 120, 1, 6, 0, 0x84, 5, 0, 1, 121, 0])  # each after the other


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"", 2),
        (os.urandom(200), 2),
        (b'{"event":"heartbeat"}', TEXT),
        (b"\x07", 2),
        (sync(STATE, BOMB), 2),
        (sync(CHANGE, BOMB), 2),
        (sync(CHANGE, b""), 2),
        (sync(CHANGE, b"\x00\x00more"), 2),
        (sync(CHANGE, TWO_THAT_WAIT), 2),
        (sync(CHANGE, bytes([1, 1, 5, 0, 7, 1, 4, *b"text", 3, 0])), 2),  # an element of XML
        (sync(CHANGE, bytes([1, 1, 5, 0, 4, 1, 4, *b"tixt", 1, 120, 0])), 2),  # another text than the one
        (sync(STATE, b"\x00") + b"more", 2),
        (presence_of(7, state=b"x" * 40)[:-1], 2),
    ],
)
def test_what_cannot_be_read_ends_that_socket_alone(writer, alice, bob, task, message, kind):
    other, bad = writer(bob, task).join(), writer(alice, task).join()
    bad.say(message, kind)
    assert bad.ended_with() == NOT_UNDERSTOOD
    other.write(".")
    assert str(writer(alice, task).join()) == "Once upon a time."


def test_a_message_or_a_text_that_is_too_long_is_not_taken(live, writer, alice, task):
    big = writer(alice, task).join()
    big.say(b"\x00\x02" + b"x" * LARGEST_MESSAGE)
    assert big.ended_with() == TOO_BIG
    long = writer(alice, task).join()
    piece = "x" * (LARGEST_MESSAGE - 1000)
    for _number in range(LARGEST // len(piece) + 1):
        if long.closed_with is None:
            long.write(piece)
    assert long.closed_with is not None
    assert writer(alice, task).join().closed_with is None


def test_who_loses_the_right_is_out_at_once_and_what_they_still_say_is_not_kept(writer, acme, alice, task):
    dora = newcomer(acme)
    doras, alices = writer(dora, task).join(), writer(alice, task).join()
    doras.write("!")
    give_role(dora, "viewer")  # without a word to anybody: it is found out by asking
    for update in doras.type(lambda text: text.insert(0, "Still ")):
        doras.say(sync(CHANGE, update))
    assert doras.ended_with() == NOT_ALLOWED
    give_role(dora, "member")
    back = writer(dora, task).join()
    give_role(dora, "viewer")
    tell_of_access(dora)
    assert back.ended_with() == NOT_ALLOWED
    assert str(writer(alice, task).join()) == "Once upon a time!"
    assert alices.closed_with is None


def tell_of_access(player):
    told = events.Announcement(str(player.organisation.id), "access_grant.deleted", "access_grant.x", "x", 1)
    events.publish([told])


def test_who_is_let_go_or_signs_out_is_closed(writer, acme, alice, task):
    dora = newcomer(acme)
    doras = writer(dora, task).join()
    events.publish([], [events.Farewell(user_id=dora.user_id)])
    assert doras.ended_with() == SIGNED_OUT


def test_a_task_that_goes_to_the_trash_takes_its_text_along(writer, alice, bob, task):
    alices = writer(alice, task).join()
    delete_task(bob.actor, task.id)
    assert alices.ended_with() == GONE


def test_who_is_here_is_told_to_those_who_may_see_people_and_nobody_speaks_for_another(writer, alice, bob, task):
    alices, bobs = writer(alice, task).join(), writer(bob, task).join()
    alices.say(presence_of(7, state=b'{"user":{"name":"Bob himself"}}'))
    bobs.until(lambda: 7 in bobs.people)
    assert bobs.people[7] == {"id": alice.user_id, "name": alice.actor.name}
    bobs.say(presence_of(7))
    assert bobs.ended_with() == NOT_UNDERSTOOD
    third = writer(bob, task).join()
    third.say(bytes([3]))
    third.until(lambda: 7 in third.people)
    alices.hang_up()
    third.until(lambda: 7 not in third.people)


def test_who_may_not_see_people_is_told_of_somebody_and_not_of_whom(writer, acme, alice, task):
    writes = NewAccessRole(name=f"Writer {new_token()}", permissions=("task.view", "task.update"))
    role_id = create_access_role(alice.actor, writes).id
    dora = newcomer(acme, role=None)
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=role_id, user_id=dora.user_id))
    alices, doras = writer(alice, task).join(), writer(dora, task).join()
    alices.say(presence_of(7))
    doras.until(lambda: 7 in doras.people)
    assert doras.people[7] == {}
    alices.write("!")
    saved(alice, task, "Once upon a time!", alices.text_id, 1)
    doras.until(lambda: doras.notes[-1].get("version") == 2)
    assert doras.notes[-1]["by"] is None
    assert alice.actor.name not in str(doras.notes)


def test_saving_makes_one_version_and_one_event_and_tells_everybody(writer, alice, bob, task):
    alices, bobs = writer(alice, task).join(), writer(bob, task).join()
    alices.write(" there was")
    bobs.read_until_it_says("Once upon a time there was")
    bobs.write(" a door.")
    saved(alice, task, "Once upon a time there was a door.", alices.text_id, 1)
    alices.until(lambda: alices.notes[-1].get("version") == 2)
    assert alices.notes[-1] == {"version": 2, "by": alice.actor.name, "saved": True, "elsewhere": False, "mine": True}
    bobs.until(lambda: bobs.notes[-1].get("version") == 2)
    assert bobs.notes[-1]["by"] == alice.actor.name
    assert bobs.notes[-1]["mine"] is False
    assert alice.task(task.id).description == "Once upon a time there was a door."
    created, updated = audit_rows(task)
    assert (created.event_type, updated.event_type) == ("task.created", "task.updated")
    assert updated.metadata["facts"] == {"editor_ids": sorted([alice.user_id, bob.user_id])}


def test_words_saved_elsewhere_meanwhile_are_put_beside_and_none_are_lost(writer, alice, bob, task):
    alices = writer(alice, task).join()
    alices.write(" together")
    update_task(bob.actor, task.id, TaskChanges(description="Alone"))
    alices.until(lambda: alices.notes[-1].get("elsewhere"))
    with pytest.raises(StaleVersion):
        saved(alice, task, "Once upon a time together", alices.text_id, 1)
    assert str(writer(bob, task).join()) == "Once upon a time together"
    saved(alice, task, "Once upon a time together, not alone", alices.text_id, 2)
    assert alice.task(task.id).version == 3


def test_a_text_without_words_of_its_own_makes_way_for_what_is_saved_elsewhere(writer, alice, bob, task):
    alices = writer(alice, task).join()
    update_task(bob.actor, task.id, TaskChanges(description="Anew"))
    assert alices.ended_with() == GONE
    assert str(writer(alice, task).join()) == "Anew"


def test_a_new_name_is_no_conflict(writer, alice, bob, task):
    alices = writer(alice, task).join()
    alices.write("!")
    update_task(bob.actor, task.id, TaskChanges(name="Another name"))
    saved(alice, task, "Once upon a time!", alices.text_id, 1)
    assert alice.task(task.id).name == "Another name"


def test_what_is_kept_is_sealed_and_put_together_without_a_change(writer, alice, task):
    alices = writer(alice, task).join()
    for number in range(12):
        alices.write(f" word{number}")
    words = str(alices)
    kept = alice.sees(kept_rows, task.id)
    assert len(kept) == 13
    assert not any(b"word" in content for content in kept)
    compact_shared_text(cast.system(alice.organisation), alices.text_id)
    compact_shared_text(cast.system(alice.organisation), alices.text_id)
    assert len(alice.sees(kept_rows, task.id)) == 1
    alices.write(".")
    alices.hang_up()
    assert str(writer(alice, task).join()) == f"{words}."


def kept_rows(actor, task_id):
    rows = db.session.execute(
        text(
            "SELECT content FROM shared_text_updates AS kept JOIN shared_texts AS shared ON shared.id = shared_text_id"
            " WHERE task_id = :task"
        ),
        {"task": task_id},
    )
    return [bytes(row.content) for row in rows]


def test_a_program_is_written_together_too(writer, alice, bob):
    program = SimpleNamespace(kind="program", id=a_program(alice, description="What for").id)
    alices, bobs = writer(alice, program).join(), writer(bob, program).join()
    alices.write("?")
    bobs.read_until_it_says("What for?")
    given = SharedTextSave(description="What for?", version=1, shared_text_id=alices.text_id)
    assert save_shared_text(alice.actor, "program", program.id, given).version == 2


def test_nothing_of_it_was_a_defect(live):
    assert "Traceback" not in live.log
    assert "request.failed" not in live.log
    assert "not_looked_at" not in live.log
