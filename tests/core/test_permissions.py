"""Who may do what: what is not asked for, not known or not granted is refused."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from app.commands.programs import delete_program
from app.core import tenancy
from app.core.audit import record
from app.core.database import db
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.permissions import (
    as_uuid,
    effective,
    expect_version,
    fetch,
    require,
)
from app.core.roles import PERMISSIONS, SHIPPED_ROLES, SYSTEM_PERMISSIONS
from app.core.transaction import Unasked, command
from app.models.programs import Program
from tests.cast import system
from tests.core.rooms import kept_program
from tests.trail import as_superuser


@command
def get(actor, program_id, permission, **more):
    return fetch(actor, Program, program_id, permission, **more)


def somebody_else_renames(program):
    as_superuser("UPDATE programs SET name = 'Renamed meanwhile' WHERE id = %s RETURNING 1", program.id)


def with_only(player, *permissions):
    return replace(player.actor, permissions=frozenset(permissions))


def test_fetch_gives_the_row_to_who_may(alice, carol):
    program = kept_program(alice)
    assert get(alice.actor, program.id, "program.update").id == program.id
    assert get(carol.actor, program.id, "program.view").id == program.id


def test_fetch_refuses_who_may_see_the_row_but_not_do_this(alice, carol):
    program = kept_program(alice)
    with pytest.raises(Forbidden):
        get(carol.actor, program.id, "program.update")


def test_fetch_hides_the_row_from_who_may_not_even_see_its_kind(alice):
    program = kept_program(alice)
    with pytest.raises(NotFound):
        get(with_only(alice, "program.update"), program.id, "program.update")
    with pytest.raises(NotFound):
        get(with_only(alice, "task.view"), program.id, "program.view")


def test_fetch_hides_what_belongs_to_another_organisation_as_if_it_were_not_there(alice, mallory):
    program = kept_program(alice)
    told = []
    for program_id in (program.id, uuid4()):
        with pytest.raises(NotFound) as hidden:
            get(mallory.actor, program_id, "program.delete")
        told.append((hidden.value.message, hidden.value.code, hidden.value.details))
    assert told[0] == told[1]


def test_fetch_looks_at_the_tenant_itself_and_does_not_lean_on_the_wall_alone(alice, mallory):
    """Even where the wall were down, as for a superuser, the query asks for the actor's own rows only."""
    program = kept_program(alice)

    @command(anyone="the test goes round the wall")
    def look_from_inside_acme(actor):
        with tenancy.entered(db.session, alice.organisation.id):
            return fetch(mallory.actor, Program, program.id, "program.view")

    with pytest.raises(NotFound):
        look_from_inside_acme(mallory.actor)


def test_what_is_in_the_trash_is_found_only_by_who_looks_there(alice):
    program = kept_program(alice)
    delete_program(alice.actor, program.id)
    with pytest.raises(NotFound):
        get(alice.actor, program.id, "program.view")
    assert get(alice.actor, program.id, "program.view", deleted=True).id == program.id
    kept = kept_program(alice)
    with pytest.raises(NotFound):
        get(alice.actor, kept.id, "program.view", deleted=True)


def test_a_row_that_is_locked_is_shown_as_it_is_now_even_if_it_was_read_before(alice):
    program = kept_program(alice)

    @command
    def read_and_then_lock(actor):
        before = fetch(actor, Program, program.id, "program.view")
        assert before.name == program.name
        somebody_else_renames(program)
        return fetch(actor, Program, program.id, "program.view", lock=True).name

    assert read_and_then_lock(alice.actor) == "Renamed meanwhile"


def test_a_locked_row_keeps_what_the_command_has_changed_already(alice):
    program = kept_program(alice)

    @command
    def change_and_lock(actor):
        fetch(actor, Program, program.id, "program.view").description = "Changed before"
        locked = fetch(actor, Program, program.id, "program.update", lock=True)
        record(actor, "program.updated", locked)
        return locked.description

    assert change_and_lock(alice.actor) == "Changed before"


@pytest.mark.parametrize("ask", [require, lambda actor, permission: get(actor, uuid4(), permission)])
def test_a_permission_that_is_not_in_the_table_is_a_defect_and_never_granted(alice, ask):
    with pytest.raises(AssertionError, match="not in the table"):
        ask(with_only(alice, "program.view", "program.destroy"), "program.destroy")


def test_require_refuses_and_for_looking_it_hides(carol, alice):
    with pytest.raises(Forbidden):
        require(carol.actor, "program.create")
    with pytest.raises(NotFound):
        require(with_only(alice), "program.view")
    require(alice.actor, "program.create")


def test_a_command_that_never_asked_does_not_commit(alice):
    @command
    def rename_without_asking(actor, program_id):
        db.session.get(Program, program_id).name = "Taken over"

    program = kept_program(alice)
    with pytest.raises(Unasked, match="rename_without_asking"):
        rename_without_asking(alice.actor, program.id)
    assert alice.program(program.id).name != "Taken over"


def test_a_command_that_only_reads_has_to_ask_too(alice):
    @command
    def read_without_asking(actor):
        return db.session.query(Program).count()

    with pytest.raises(Unasked):
        read_without_asking(alice.actor)


def test_being_refused_counts_as_having_asked_and_what_was_done_before_is_undone(carol, alice):
    program = kept_program(alice)

    @command
    def change_first_and_ask_later(actor):
        db.session.get(Program, program.id).name = "Changed before asking"
        db.session.flush()
        require(actor, "program.update")

    with pytest.raises(Forbidden):
        change_first_and_ask_later(carol.actor)
    assert alice.program(program.id).name != "Changed before asking"


def test_a_key_has_what_its_person_and_its_scopes_both_have(alice):
    granted = frozenset({"task.view", "task.create"})
    assert effective(granted, frozenset({"*"})) == granted
    assert effective(granted, frozenset({"task.view", "program.delete"})) == {"task.view"}
    assert effective(granted, frozenset()) == frozenset()


def test_no_person_can_be_given_what_only_the_system_may():
    assert SYSTEM_PERMISSIONS - frozenset(PERMISSIONS) == {"certification.decide", "certification.sign"}
    assert all(role.permissions <= frozenset(PERMISSIONS) for role in SHIPPED_ROLES.values())


def test_the_system_is_nobody(acme):
    actor = system(acme)
    assert (actor.user_id, actor.authenticated_by) == (None, "system")


def test_an_old_version_is_refused_and_shows_the_row_as_it_is_now(alice):
    program = kept_program(alice)
    expect_version(program, None)
    expect_version(program, 1)
    with pytest.raises(StaleVersion) as stale:
        expect_version(program, 0)
    assert stale.value.current is program


@pytest.mark.parametrize("text", ["", "42", "not-an-id", "0199a8b4-0000-7000-8000-00000000000g"])
def test_what_is_no_id_names_nothing(text):
    with pytest.raises(NotFound):
        as_uuid(text)
