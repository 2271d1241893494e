"""However many roles somebody holds, on however many single tasks: a request asks once what they may do, at the door.

What else tells it comes along with the rows that are read anyway. Every route of the table of access is sent here by
people whose powers lie in single tasks, which nobody counts at the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import Mock
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event

from app.commands.shared_texts import open_shared_text
from app.core import tenancy
from app.core.database import db, fresh_session
from app.core.ids import new_id
from app.core.shared_documents import begun_with
from app.models.access_grants import AccessGrant
from app.queries.shared_texts import find_shared_text, get_thing
from app.queries.socket_holders import Holder
from app.web.text_room import Room, TextSocket
from tests.cast import afresh, join, play
from tests.factories import a_certification, a_grant, a_program, a_task
from tests.security.newcomers import newcomer
from tests.security.world import ACCESS, World

# What tells of a statement that it is sent only to find out what somebody may do.
ASKING = (
    "enter_application_instance(",
    "roles_of_people(",
    "SELECT access_grants.task_id, access_grants.access_role_id",
    "SELECT access_grants.user_id, access_grants.user_group_id, access_grants.task_id",
)
MORE_THAN_ONCE = {
    "GET /api/v1/auth": 2,  # tells a program all of it, the tasks by name, which the door does not count
}
IN_PLACES = ("task", "program", "certification", "access", "grant", "/w")  # what has to do with any place
OF_A_TASK = {"fresh_certification": {}, "failed_certification": {"settled": False}}
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def world_of_tasks(web_app: Flask, world: World) -> World:
    """The world with two more: judy may see everything and works in one program, ken sees nothing; both are in charge
    of some single tasks, and of whatever is made anew for a route."""
    alice = world.people["alice"]
    with web_app.app_context(), fresh_session():
        judy, ken = join(world.acme, "judy"), join(world.acme, "ken")
        a_grant(alice, "viewer", judy)
        a_grant(alice, "member", judy, program_id=UUID(world.things["program_id"]))
        found = replace(world, people=world.people | {"judy": judy, "ken": ken})
        put_in_charge(found, world.things["task_id"], *(str(a_task(alice).id) for _ in range(3)))
    return found


def test_no_route_asks_more_than_once_what_somebody_may_do(app, world_of_tasks: World):
    world, wrong, let_in = world_of_tasks, [], 0
    inside = {name: row for name, row in ACCESS.items() if "/<slug>/" in name or "/api/v1/" in name}
    for name, row in inside.items():
        route, headers = world.route(name), {}
        ids: dict[str, str] = {}
        for person in ("ken", "judy") if any(word in name + str(row) for word in IN_PLACES) else ("judy",):
            if person == "judy" and route.method != "GET" and not route.is_api:
                headers = HTMX
            ids = ids or made_for(world, row.get("needs"))
            with asked() as statements:
                answer = world.send(route, person, ids, headers=headers)
            if answer.status_code < 400:
                let_in, ids = let_in + 1, {}
            if len(statements) > MORE_THAN_ONCE.get(name, 1):
                wrong.append(f"{name} as {person}, {answer.status_code}: {len(statements)} times")
    assert wrong == []
    assert let_in > 0.8 * len(inside)  # what is refused at once would prove little


def test_a_look_at_what_nothing_told_of_would_be_counted(app, world_of_tasks: World):
    judy = play(world_of_tasks.acme, "judy")
    with asked() as statements:
        assert judy.actor.may("task.delete", UUID(world_of_tasks.things["task_id"]))
    assert len(statements) == 1


def test_nothing_is_asked_of_the_programs_around_one(app, world_of_tasks: World):
    """A role on a single task counts in no program."""
    world = world_of_tasks
    outer = a_program(world.people["alice"], parent_id=a_program(world.people["alice"]).id)
    inner = a_program(world.people["alice"], parent_id=outer.id)
    a_grant(world.people["alice"], "viewer", world.people["ken"], program_id=inner.id)
    for name in ("GET /o/<slug>/programs/<uuid:program_id>", "GET /o/<slug>/programs/<uuid:program_id>/edit"):
        for person in ("judy", "ken"):
            with asked() as statements:
                world.send(world.route(name), person, world.things | {"program_id": str(inner.id)})
            assert len(statements) == 1, (name, person)


def test_everybody_at_a_text_is_looked_up_together_and_whoever_writes_once(alice, acme):
    """What somebody writes is asked for its permission each time: it may have ended since."""
    task_id = a_task(alice).id
    open_shared_text(alice.actor, "task", task_id)
    people = [newcomer(acme, None) for _number in range(3)]
    for person in people:
        a_grant(alice, "member", person, task_id=task_id)
    afresh()
    with tenancy.entered(db.session, acme.id):
        room = Room(acme.id, "task", task_id, find_shared_text(get_thing(alice.actor, "task", task_id)), Mock())
    room.sockets |= {TextSocket(Mock(), Holder(new_id(), person.user_id, acme.id)) for person in people}
    with asked() as statements:
        room.look(every=0)
    assert len(statements) == 1
    assert all(socket.may_write for socket in room.sockets)
    writer = next(iter(room.sockets))
    with asked() as statements:
        room.take(writer, begun_with("Together"))
    assert (len(statements), writer.kept) == (1, 1)


@contextmanager
def asked() -> Iterator[list[str]]:
    """The statements that find out what somebody may do, as they are sent."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if any(words in statement for words in ASKING):
            found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def made_for(world: World, needs: str | None) -> dict[str, str]:
    """The ids that a route is called with; a certification belongs to a task."""
    if needs in OF_A_TASK:
        made = a_certification(world.people["alice"], task_id=UUID(world.things["task_id"]), **OF_A_TASK[needs])
        return world.ids() | {"certification_id": str(made)}
    ids = world.ids(needs)
    if ids["task_id"] != world.things["task_id"]:
        put_in_charge(world, ids["task_id"])
    return ids


def put_in_charge(world: World, *task_ids: str) -> None:
    """Give both everything that can be given for single tasks, be they in the trash."""
    place = {"application_instance_id": world.acme.id, "access_role_id": world.acme.roles["admin"]}
    with tenancy.entered(db.session, world.acme.id):
        db.session.add_all(
            AccessGrant(id=new_id(), user_id=world.people[person].user_id, task_id=UUID(task_id), **place)
            for person in ("judy", "ken")
            for task_id in task_ids
        )
        db.session.commit()
