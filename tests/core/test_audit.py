"""The audit trail: what it keeps of an event, and what of it can be read by whom."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.commands.programs import update_program
from app.commands.tasks import update_task
from app.core import sealing
from app.core.actor import Origin
from app.core.audit import actor_subject, network_of, record, subject_of, unsealed
from app.core.database import db
from app.core.errors import Conflict
from app.core.permissions import require
from app.core.transaction import command
from app.models.programs import Program
from app.schemas.programs import ProgramChanges
from app.schemas.tasks import TaskChanges
from tests.cast import system
from tests.core.rooms import inside, kept_program, scalar
from tests.doors import went_well
from tests.factories import a_certification, a_program, a_task
from tests.trail import audit_rows, audit_trail


def test_a_new_row_is_kept_whole_and_a_changed_one_by_its_changed_fields_only(alice):
    task = a_task(alice, estimate_minutes=10)
    update_task(alice.actor, task.id, TaskChanges(estimate_minutes=20))
    created, updated = audit_rows(task)
    assert created.before_state is None
    assert set(created.after_state) == {
        "program_id", "number", "name", "description", "estimate_minutes", "deleted_at",
    }  # fmt: skip
    assert (updated.before_state, updated.after_state) == ({"estimate_minutes": 10}, {"estimate_minutes": 20})


def test_two_changes_in_one_command_are_two_events_with_their_own_befores(alice):
    task_id = a_task(alice, estimate_minutes=1).id

    @command
    def change_twice(actor):
        update_task(actor, task_id, TaskChanges(estimate_minutes=2))
        return update_task(actor, task_id, TaskChanges(estimate_minutes=3))

    _created, first, second = audit_rows(change_twice(alice.actor))
    assert [(each.before_state, each.after_state) for each in (first, second)] == [
        ({"estimate_minutes": 1}, {"estimate_minutes": 2}),
        ({"estimate_minutes": 2}, {"estimate_minutes": 3}),
    ]


def test_an_event_says_who_what_and_how(alice):
    task = a_task(alice)
    (row,) = audit_rows(task)
    assert (row.event_type, row.entity_type, row.entity_id, row.action) == (
        "task.created",
        "Task",
        str(task.id),
        "create",
    )
    assert (row.application_instance_id, row.actor_user_id) == (alice.organisation.id, alice.user_id)
    assert row.metadata["request_id"] == "test"
    assert row.metadata["via"] == "session"


def test_an_event_through_the_api_names_the_key(alice, api):
    made = api(alice).create_program(key="KEYED", name="By key").json["data"]
    with inside(alice.organisation):
        (row,) = audit_rows(db.session.get(Program, made["id"]))
        key_id = scalar("SELECT id FROM api_keys WHERE user_id = :user", user=alice.user_id)
    assert (row.metadata["via"], row.metadata["credential_id"]) == ("api_key", str(key_id))


def test_of_an_address_only_the_network_is_kept_in_the_open(alice):
    (row,) = audit_rows(a_task(alice))
    assert str(row.actor_ip_address) == "203.0.113.0/24"
    assert "203.0.113.7" not in json.dumps(row.metadata)
    key = key_of(alice, actor_subject(alice.actor))
    origin = key.open("audit_events.origin", row.metadata["origin"]["sealed"])
    assert json.loads(origin) == {"ip_address": "203.0.113.7", "user_agent": "Test browser"}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.255", "198.51.100.0/24"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        (None, None),
    ],
)
def test_a_network_is_wide_enough_to_name_nobody(address, network):
    assert network_of(address) == network


def test_personal_fields_are_sealed_under_the_key_of_their_row(alice):
    task = a_task(alice, name="Call Mr Smith", description="At 17:00")
    (row,) = audit_rows(task)
    assert set(row.after_state["name"]) == {"sealed"}
    assert "Smith" not in json.dumps(row.after_state)
    key = key_of(alice, subject_of(task))
    assert unsealed(key, row.after_state)["name"] == "Call Mr Smith"
    assert unsealed(None, row.after_state)["name"] is None


def test_what_a_person_does_after_their_key_was_erased_is_recorded_without_what_was_personal(alice, door):
    a_task(alice)
    with inside(alice.organisation):
        sealing.erase(alice.organisation.id, actor_subject(alice.actor))
        db.session.commit()
    program = a_program(alice)
    assert went_well(door(alice).create_task(program_id=program.id, name="Afterwards"))
    task = update_task(alice.actor, a_task(alice, program=program).id, TaskChanges(name="Again"))
    created, updated = audit_rows(task)
    assert (updated.event_type, updated.actor_user_id) == ("task.updated", alice.user_id)
    assert updated.metadata["origin"] == {"sealed": None}
    assert unsealed(key_of(alice, subject_of(task)), updated.after_state)["name"] == "Again"
    assert str(updated.actor_ip_address) == "203.0.113.0/24"
    for row in (created, updated):
        written = json.dumps([row.metadata, row.before_state, row.after_state])
        assert "203.0.113.7" not in written
        assert "Test browser" not in written


def test_what_a_person_certifies_and_reads_after_their_key_was_erased_keeps_its_chain(alice, form):
    key_of(alice, actor_subject(alice.actor))
    with inside(alice.organisation):
        sealing.erase(alice.organisation.id, actor_subject(alice.actor))
        db.session.commit()
    certification_id = a_certification(alice)
    assert form(alice).get(f"/certifications/{certification_id}").status_code == 200
    with inside(alice.organisation):
        chain = db.session.execute(
            text("SELECT event_type, user_agent FROM audit.certification_audit_log"
                 " WHERE certification_id = :id AND user_id = :user ORDER BY sequence"),
            {"id": certification_id, "user": alice.user_id},
        ).all()  # fmt: skip
    assert [tuple(row) for row in chain] == [("created", None), ("viewed", None)]


def test_a_change_of_an_erased_row_is_recorded_without_its_words(alice):
    task = a_task(alice, name="Call Mr Smith")
    with inside(alice.organisation):
        sealing.erase(alice.organisation.id, subject_of(task))
        db.session.commit()
    _created, updated = audit_rows(update_task(alice.actor, task.id, TaskChanges(name="Call Mr Jones")))
    assert updated.after_state == {"name": {"sealed": None}}
    assert unsealed(key_of(alice, subject_of(task)), updated.after_state) == {"name": None}


def test_the_history_of_an_erased_row_stays_without_its_words(alice, form):
    task = a_task(alice, name="Call Mr Smith")
    key_of(alice, subject_of(task))
    with inside(alice.organisation):
        sealing.erase(alice.organisation.id, subject_of(task))
        db.session.commit()
    answer = form(alice).get(f"/tasks/{task.id}/history")
    assert answer.status_code == 200
    (row,) = audit_rows(task)
    assert unsealed(key_of(alice, subject_of(task)), row.after_state)["name"] is None
    assert row.after_state["number"] == 1


def test_the_system_has_no_address_and_no_person(acme):
    @command
    def work_alone(actor):
        require(actor, "program.create")
        program = Program(application_instance_id=actor.tenant_id, key="AUTO", name="Made by itself")
        db.session.add(program)
        db.session.flush()
        record(actor, "program.created", program, facts={"reason": "tests"})
        return program

    (row,) = audit_rows(work_alone(system(acme)))
    assert (row.actor_user_id, row.actor_ip_address) == (None, None)
    assert row.metadata == {"request_id": "", "via": "system", "facts": {"reason": "tests"}}


def test_a_broken_address_stops_the_operation_instead_of_being_left_out(alice):
    program = kept_program(alice)
    astray = replace(alice.actor, origin=Origin(ip_address="not an address"))
    with pytest.raises(ValueError, match="address"):
        update_program(astray, program.id, ProgramChanges(name="Unwitnessed"))
    assert alice.program(program.id).name != "Unwitnessed"


def test_no_event_no_change(alice, play_stage):
    """Where the trail cannot take the row, the operation does not happen: here it is told twice under one id."""
    program = kept_program(alice)

    @command
    def change_under_a_used_id(actor):
        update_program(actor, program.id, ProgramChanges(name="Unwitnessed"))
        db.session.execute(
            text("""INSERT INTO audit.audit_events
                    (event_id, application_instance_id, event_type, entity_type, entity_id, action)
                    SELECT event_id, application_instance_id, event_type, entity_type, entity_id, action
                    FROM audit.audit_events WHERE entity_id = :id LIMIT 1"""),
            {"id": str(program.id)},
        )

    with pytest.raises(Conflict):
        change_under_a_used_id(alice.actor)
    assert alice.program(program.id).name != "Unwitnessed"
    assert audit_trail(program) == ["program.created"]


def key_of(player, subject):
    with inside(player.organisation):
        key = sealing.key(player.organisation.id, subject)
        db.session.commit()
        return key
