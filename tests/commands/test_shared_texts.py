"""Writing a text together, as commands do it: what is kept, what is put together, and when it goes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.commands import shared_texts as commands
from app.commands.organisations import close_organisation, finish_closing
from app.commands.tasks import update_task
from app.core import clock, sealing
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.shared_documents import Document, Missing, begun_with
from app.core.yjs_updates import Unreadable
from app.queries.shared_texts import document_of, find_shared_text, get_thing
from app.schemas.organisations import Closing
from app.schemas.shared_texts import SharedTextSave
from app.schemas.tasks import TaskChanges
from app.web.sockets import TRY_LATER
from app.web.text_room import MOST_BYTES, TextSocket
from tests.cast import system
from tests.commands.test_close_organisation import CLOSING_TAKES
from tests.factories import a_task
from tests.jobs.outbox import rows_of
from tests.security.test_sockets_end import Deaf
from tests.trail import as_superuser


@pytest.fixture
def task(alice):
    return SimpleNamespace(id=a_task(alice, description="Once").id)


@pytest.fixture
def shared(alice, task):
    """A text that alice has begun."""
    return SimpleNamespace(id=commands.open_shared_text(alice.actor, "task", task.id).id)


def words_of(player, task):
    def words(actor):
        row = get_thing(actor, "task", task.id)
        return document_of(row, find_shared_text(row).id).words

    return player.sees(words)


def add(player, task, shared, words):
    """Put words at the beginning."""
    return commands.keep_update(player.actor, "task", task.id, shared.id, begun_with(words))


def rows(shared):
    return as_superuser("SELECT * FROM shared_text_updates WHERE shared_text_id = %s ORDER BY number", shared.id)


def test_only_the_first_begins_it(alice, bob, task, shared):
    assert commands.open_shared_text(bob.actor, "task", task.id).id == shared.id
    assert words_of(bob, task) == "Once"


def test_a_reader_neither_begins_nor_changes_it(carol, alice, task, shared):
    with pytest.raises(Forbidden):
        commands.open_shared_text(carol.actor, "task", task.id)
    with pytest.raises(Forbidden):
        add(carol, task, shared, "Not ")
    assert words_of(alice, task) == "Once"


def test_a_stranger_finds_nothing(mallory, task, shared):
    with pytest.raises(NotFound):
        commands.open_shared_text(mallory.actor, "task", task.id)
    with pytest.raises(NotFound):
        add(mallory, task, shared, "Not ")


def test_a_text_that_has_ended_takes_nothing_more(alice, bob, task, shared):
    update_task(bob.actor, task.id, TaskChanges(description="Anew"))
    again = commands.open_shared_text(alice.actor, "task", task.id)
    assert again.id != shared.id
    with pytest.raises(NotFound):
        add(alice, task, shared, "Late ")
    assert words_of(alice, task) == "Anew"


def test_a_text_that_is_full_takes_nothing_more(alice, task, shared, monkeypatch):
    monkeypatch.setattr(commands, "LARGEST", 100)
    with pytest.raises(Conflict):
        add(alice, task, shared, "x" * 100)
    assert words_of(alice, task) == "Once"


def test_many_updates_are_put_together_by_a_job(alice, task, shared, monkeypatch):
    monkeypatch.setattr(commands, "COMPACT_EVERY", 5)
    for number in range(4):
        add(alice, task, shared, f"{number} ")
    assert [row.job for row in rows_of([shared.id])] == [commands.COMPACTING]
    words = words_of(alice, task)
    commands.compact_shared_text(system(alice.organisation), shared.id)
    assert [row.number for row in rows(shared)] == [5]
    assert add(alice, task, shared, "Last ") == 6
    assert sorted(words_of(alice, task)) == sorted(f"Last {words}")


def test_words_that_were_not_saved_wait_for_who_comes_next(alice, bob, task, shared):
    add(alice, task, shared, "Twice ")
    update_task(bob.actor, task.id, TaskChanges(description="Elsewhere"))
    assert commands.open_shared_text(bob.actor, "task", task.id).id == shared.id
    assert "Twice" in words_of(bob, task)


def test_without_a_text_it_is_an_ordinary_save(alice, task, shared):
    saved = commands.save_shared_text(alice.actor, "task", task.id, SharedTextSave(description="Alone", version=1))
    assert saved.description == "Alone"


def test_with_the_key_of_the_task_go_the_words(alice, task, shared):
    add(alice, task, shared, "Secret ")
    assert not any(b"Secret" in bytes(row.content) for row in rows(shared))
    as_superuser(
        "UPDATE record_keys SET wrapped_key = NULL, erased_at = now() WHERE subject = %s RETURNING 1", f"task:{task.id}"
    )
    with pytest.raises(sealing.Erased):
        words_of(alice, task)


def test_with_the_row_of_the_task_and_with_the_organisation_go_the_words(alice, task, shared):
    other = a_task(alice)
    second = commands.open_shared_text(alice.actor, "task", other.id)
    as_superuser("DELETE FROM tasks WHERE id = %s RETURNING 1", other.id)
    assert rows(second) == []
    assert rows(shared)
    close_organisation(alice.actor, Closing(slug=alice.organisation.slug))
    with clock.stopped(clock.now() + CLOSING_TAKES):
        finish_closing(system(alice.organisation))
    assert rows(shared) == []


def test_what_builds_upon_something_unknown_or_is_no_text_is_not_taken_in():
    known, later = Document([begun_with("Once")]), Document([begun_with("Elsewhere")])
    before = later.state
    later.apply(begun_with("more "))
    with pytest.raises(Missing):
        known.apply(b"\x00\x01\x07\x01\x00\x05")  # takes away what nobody has written
    element = b"\x01\x01\x05\x00\x07\x01\x04text\x03\x00"
    for broken in (b"", b"\xc4\x9e\xa7\x7e", element, later.updates_since(before)[:-1]):
        with pytest.raises(Unreadable):
            known.apply(broken)
    with pytest.raises(Unreadable):
        known.updates_since(b"\xc4\x9e\xa7\x7e")
    assert known.words == "Once"


def test_who_does_not_read_is_let_go_before_much_waits():
    server = Deaf()
    socket = TextSocket(server, holder=None)
    for _number in range(3):
        socket.tell(b"x" * (MOST_BYTES // 3 + 1))
    socket.hold(hear=None)
    assert server.closed_with == TRY_LATER
