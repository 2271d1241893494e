"""Live events: told after the commit, without content, and never at the cost of the operation."""

from __future__ import annotations

import json
import socket

import pytest

from app.commands.programs import create_program, update_program
from app.core import live, valkey
from app.core.announcing import announce
from app.core.permissions import fetch
from app.core.transaction import command
from app.models.programs import Program
from app.schemas.programs import NewProgram, ProgramChanges
from tests.core.rooms import kept_program


def told(organisation):
    """What was said of things on the stream of an organisation; that the trail has grown is said with each."""
    entries = valkey.client().xrange(live.stream_of(organisation.id))
    said = [json.loads(fields[b"data"]) for _id, fields in entries]
    return [each for each in said if each["channel"] != "audit_event"]


@pytest.fixture(params=["refuses", "hangs"])
def dead_server(request, play_stage):
    """A server that refuses connections, or takes them and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            listener.listen()
        valkey.configure(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        yield
    valkey.configure(play_stage.redis_url)


def test_a_change_is_told_on_the_stream_of_its_organisation(alice, mallory):
    program = kept_program(alice)
    update_program(alice.actor, program.id, ProgramChanges(name="New name"))
    about = {"tenant_id": str(alice.organisation.id), "channel": f"program.{program.id}", "id": str(program.id)}
    channel = about | {"around": [f"board.{program.id}"], "by": "", "taken_off": None}
    assert told(alice.organisation) == [
        {**channel, "event": "program.created", "version": 1},
        {**channel, "event": "program.updated", "version": 2},
    ]
    assert told(mallory.organisation) == []


def test_an_event_carries_no_content(alice):
    kept_program(alice, name="A secret name", description="a secret plan")
    assert "secret" not in json.dumps(told(alice.organisation))


def test_nothing_is_told_before_the_commit_nor_after_a_rollback(alice):
    program = kept_program(alice)
    before = told(alice.organisation)

    @command
    def announce_and_fail(actor):
        announce(fetch(actor, Program, program.id, "program.view"))
        assert told(alice.organisation) == before
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        announce_and_fail(alice.actor)
    assert told(alice.organisation) == before


def test_all_that_inner_commands_announce_is_told_once_the_outermost_has_committed(alice):
    @command
    def make_two(actor):
        for key in ("ONE", "TWO"):
            create_program(actor, NewProgram(key=key, name=key))
        assert told(alice.organisation) == []

    make_two(alice.actor)
    assert [each["event"] for each in told(alice.organisation)] == ["program.created"] * 2


def test_the_operation_goes_on_without_the_server(alice, dead_server):
    program = kept_program(alice)
    assert alice.program(program.id).name == program.name


def test_the_stream_does_not_grow_for_ever(alice, monkeypatch):
    monkeypatch.setattr(live, "STREAM_LENGTH", 10)
    subject = kept_program(alice)
    for _time in range(5):
        live.publish([live.announcement(subject, "updated")] * 100)
    assert len(told(alice.organisation)) < 300


def test_saying_nothing_asks_no_server(alice, monkeypatch):
    asked = []
    ask = valkey.client
    monkeypatch.setattr(valkey, "client", lambda: asked.append(1) or ask())
    live.publish([])
    assert asked == []
    live.publish([live.announcement(kept_program(alice), "updated")])
    assert asked
