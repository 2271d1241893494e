"""The audit trail as its readers see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from app.commands.tasks import move_task, update_task
from app.core import clock, sealing, tenancy
from app.core.actor import LocalRole
from app.core.database import db
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.paging import Paging
from app.queries.audit_events import (
    SYSTEM,
    AuditFilters,
    explained,
    get_audit_event,
    list_audit_events,
)
from app.schemas.tasks import Move, TaskChanges
from tests import stage
from tests.factories import a_certification, a_program, a_task
from tests.trail import as_superuser


def seen(player, paging=None, **filters):
    return player.sees(list_audit_events, AuditFilters(**filters), paging or Paging(size=200)).rows


def types(events):
    return [event.event_type for event in events]


def test_the_newest_comes_first_and_the_rest_follows_page_by_page(alice):
    for _ in range(3):
        a_task(alice)
    whole = seen(alice)
    assert [event.id for event in whole] == sorted((event.id for event in whole), reverse=True)
    paged, paging = [], Paging(size=4)
    while True:
        page = alice.sees(list_audit_events, AuditFilters(), paging)
        paged += page.rows
        if page.next is None:
            break
        paging = Paging(type(page.next).read(str(page.next)), 4)
    assert [event.id for event in paged] == [event.id for event in whole]
    back = alice.sees(list_audit_events, AuditFilters(), Paging(page.prev, 4))
    assert [event.id for event in back.rows] == [event.id for event in whole][len(whole) - len(page.rows) - 4 :][:4]


def test_it_is_narrowed_to_a_person(alice, bob):
    a_task(alice)
    a_task(bob)
    assert {event.actor_user_id for event in seen(alice, person=bob.user_id)} == {bob.user_id}
    assert {event.actor_user_id for event in seen(alice, person=SYSTEM)} == {None}


def test_it_is_narrowed_to_a_thing_by_its_number_its_key_and_its_id(alice):
    program = a_program(alice, key="OPS")
    task = a_task(alice, program)
    a_task(alice, program)
    for name in (f"OPS-{task.number}", f"ops-{task.number}", str(task.id), str(task.id).upper()):
        assert [event.entity_id for event in seen(alice, object=name)] == [str(task.id)], name
    assert types(seen(alice, object="OPS")) == ["program.created"]
    assert seen(alice, object="OPS-999") == []


def test_a_certificate_is_found_by_its_number(alice):
    certification = alice.certification(a_certification(alice))
    found = seen(alice, object=certification.certification_number)
    assert {event.entity_id for event in found} == {str(certification.id)}


def test_it_is_narrowed_to_a_kind_an_event_an_action_a_request_and_a_time(alice, bob):
    task = a_task(alice)
    with_request = replace(bob.actor, origin=replace(bob.actor.origin, request_id="req-77"))
    update_task(with_request, task.id, TaskChanges(name="Feed the cat"))
    assert {event.entity_type for event in seen(alice, kind="task")} == {"Task"}
    assert types(seen(alice, event_type="task.updated")) == ["task.updated"]
    assert {event.action for event in seen(alice, action="create")} == {"create"}
    assert types(seen(alice, request_id="req-77")) == ["task.updated"]
    now = clock.now()
    assert seen(alice, since=now + timedelta(hours=1)) == []
    assert seen(alice, until=now - timedelta(hours=1)) == []
    assert types(seen(alice, since=now - timedelta(hours=1), kind="task")) == ["task.updated", "task.created"]


def test_what_is_sealed_is_opened_for_who_may_see_such_things(alice):
    task = a_task(alice, name="Call Mrs Brown")
    update_task(alice.actor, task.id, TaskChanges(name="Call Mrs Green"))
    (change,) = seen(alice, event_type="task.updated")[0].changes
    assert (change.field, change.before, change.after) == ("name", "Call Mrs Brown", "Call Mrs Green")
    blind = replace(alice, actor=replace(alice.actor, permissions=frozenset({"audit_event.view"})))
    (change,) = seen(blind, event_type="task.updated")[0].changes
    assert (change.before, change.after, change.withheld, change.erased) == (None, None, True, False)
    assert seen(blind, event_type="task.updated")[0].thing is None


def test_what_was_erased_says_so_and_the_event_stays(alice):
    task = a_task(alice, name="Call Mrs Brown")
    with tenancy.entered(db.session, alice.organisation.id):
        sealing.erase(alice.organisation.id, f"task:{task.id}")
        db.session.commit()
    changes = {change.field: change for change in seen(alice, event_type="task.created")[0].changes}
    assert (changes["name"].erased, changes["name"].after) == (True, None)
    assert not changes["estimate_minutes"].erased


def test_one_reads_ones_own_part_with_less(alice, bob):
    a_task(alice)
    a_task(bob)
    own = replace(bob, actor=replace(bob.actor, permissions=bob.actor.permissions | {"audit_event.view_own"}))
    assert {event.actor_user_id for event in seen(own)} == {bob.user_id}
    assert seen(own, person=alice.user_id) == []
    with pytest.raises(NotFound):
        seen(bob)
    alices = next(event for event in seen(alice) if event.actor_user_id == alice.user_id)
    with pytest.raises(NotFound):
        own.sees(get_audit_event, alices.event_id)


def test_a_role_in_one_place_does_not_show_the_trail_of_all(alice, bob):
    place = LocalRole(frozenset({"audit_event.view"}), frozenset({str(a_program(alice).id)}))
    with pytest.raises(NotFound):
        seen(replace(bob, actor=replace(bob.actor, local_roles=(place,))))


def test_an_event_is_found_by_its_id(alice):
    task = a_task(alice)
    event = seen(alice, object=str(task.id))[0]
    assert alice.sees(get_audit_event, event.event_id) == event
    for other in (uuid4(), new_id()):
        with pytest.raises(NotFound):
            alice.sees(get_audit_event, other)


def test_mallory_reads_her_own_trail_only(alice, mallory):
    task = a_task(alice)
    event = seen(alice, object=str(task.id))[0]
    assert {each.entity_id for each in seen(mallory)}.isdisjoint({str(task.id)})
    assert seen(mallory, object=str(task.id)) == []
    with pytest.raises(NotFound):
        mallory.sees(get_audit_event, event.event_id)


def test_ids_are_told_by_what_they_stand_for(alice, bob):
    task = a_task(alice)
    move_task(alice.actor, task.id, Move(state="doing"))
    event = seen(alice, event_type="task.moved")[0]
    assert event.thing.name == alice.task(task.id).number
    assert event.thing.page_id == str(task.id)


def test_only_the_months_that_are_asked_for_are_read(alice):
    """Partitions that the time leaves out do not even appear in the plan."""
    plan = "\n".join(
        row[0]
        for row in as_superuser(
            "EXPLAIN SELECT id FROM audit.audit_events WHERE application_instance_id = gen_random_uuid()"
            " AND created_at >= date_trunc('month', now())"
            " AND created_at < date_trunc('month', now()) + interval '9 days'"
            " AND (created_at, id) < (now(), 5) ORDER BY created_at DESC, id DESC LIMIT 51"
        )
    )
    assert "Subplans Removed" in plan or plan.count("audit_events_2") <= 1


def test_how_a_page_is_read_can_be_asked(alice):
    plan = "\n".join(alice.sees(explained, AuditFilters(kind="task"), Paging()))
    assert "audit_events" in plan
    assert "Execution Time" in plan


def of_request(player, request_id):
    return replace(player.actor, origin=replace(player.actor.origin, request_id=request_id))


def test_the_events_of_a_request_are_found_by_an_index_and_no_other_row_is_read(alice):
    """As the application itself the index cannot be used: that is why the trail has a function for it."""
    ((body,),) = as_superuser("SELECT prosrc FROM pg_proc WHERE oid = 'audit.events_of_request(text)'::regprocedure")
    plans = {}
    for role in ("oversing_audit", "oversing_app"):
        with psycopg.connect(stage.url_of(str(db.engine.url.database), "superuser")) as connection:
            connection.execute(f"SET ROLE {role}")
            connection.execute("SET enable_seqscan = off")
            connection.execute("SELECT set_config('oversing.tenant', %s, false)", [str(alice.organisation.id)])
            rows = connection.execute("EXPLAIN " + body.replace("= request", "= 'req-1'")).fetchall()
            plans[role] = "\n".join(line for (line,) in rows)
    found = "Index Cond: ((application_instance_id = $0) AND ((metadata ->> 'request_id'::text) = 'req-1'::text))"
    assert found in plans["oversing_audit"].replace("(InitPlan 1).col1", "$0"), plans["oversing_audit"]
    assert "Seq Scan" not in plans["oversing_audit"]
    assert "metadata ->> 'request_id'::text) = 'req-1'::text))" not in plans["oversing_app"]


def test_a_request_of_another_organisation_is_not_found_by_any_way(alice, mallory):
    task = a_task(alice)
    update_task(of_request(alice, "req-of-alice"), task.id, TaskChanges(name="Feed the cat"))
    assert types(seen(alice, request_id="req-of-alice")) == ["task.updated"]
    assert seen(mallory, request_id="req-of-alice") == []
    places = text("SELECT * FROM audit.events_of_request('req-of-alice')")
    with tenancy.entered(db.session, alice.organisation.id):
        assert len(db.session.execute(places).all()) == 1
    with tenancy.entered(db.session, mallory.organisation.id):
        assert db.session.execute(places).all() == []
    with psycopg.connect(stage.url_of(str(db.engine.url.database), "app")) as connection:
        assert connection.execute("SELECT * FROM audit.events_of_request('req-of-alice')").fetchall() == []


def test_a_request_is_narrowed_further_and_paged_like_everything_else(alice):
    task = a_task(alice)
    for name in ("One", "Two", "Three"):
        update_task(of_request(alice, "req-long"), task.id, TaskChanges(name=name))
    move_task(of_request(alice, "req-long"), task.id, Move(state="doing"))
    assert types(seen(alice, request_id="req-long", event_type="task.moved")) == ["task.moved"]
    page = alice.sees(list_audit_events, AuditFilters(request_id="req-long"), Paging(size=3))
    assert types(page.rows) == ["task.moved", "task.updated", "task.updated"]
    rest = alice.sees(list_audit_events, AuditFilters(request_id="req-long"), Paging(page.next, 3))
    assert types(rest.rows) == ["task.updated"]
    assert seen(alice, request_id="") == seen(alice), "an empty request is none, and narrows nothing"
