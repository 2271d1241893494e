"""The audit trail by page and by API: sentences, filters in the reader's words, and that looking is noted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.commands.access_grants import delete_access_grant
from app.commands.organisations import update_organisation
from app.commands.tasks import update_task
from app.commands.user_groups import add_user_group_member, remove_user_group_member
from app.core import clock
from app.schemas.organisations import OrganisationChanges
from app.schemas.tasks import TaskChanges
from app.schemas.user_groups import NewUserGroupMember
from app.web.word_diff import word_diff
from tests.factories import a_grant, a_group, a_program, a_task, an_avatar
from tests.trail import as_auditor

TEXT = "We answer every letter within ten working days, and say who answers it."
CHANGED = "We answer every letter within five working days, and say who answers it."


def readings(player):
    return as_auditor(
        "SELECT * FROM audit.audit_events WHERE application_instance_id = %s AND event_type = 'audit_trail.viewed'",
        player.organisation.id,
    )


def test_the_page_tells_who_did_what_to_what_and_how_it_came(form, htmx, alice):
    task = a_task(alice, a_program(alice, key="OPS"), name="Write back", description=TEXT)
    update_task(alice.actor, task.id, TaskChanges(description=CHANGED))
    page = form(alice).get("/audit?object=OPS-1").text
    assert "changed the task" in page
    assert f'/tasks/{task.id}">OPS-1</a>' in page
    assert "browser session" in page
    assert "203.0.113.0/24" in page
    assert "<del>" in page
    assert "</span>ten</del>" in page
    assert "</span>five</ins>" in page
    fragment = htmx(alice).get("/audit?object=OPS-1").text
    assert fragment.lstrip().startswith("<section")
    assert "changed the task" in fragment


def test_what_somebody_does_to_their_own_account_is_said_of_themselves(form, alice, bob):
    """Not "Bob added a passkey for Bob": as one would say it."""
    an_avatar(bob)
    trail = form(alice).get("/audit").text
    assert "</strong> changed their picture</p>" in trail


def test_a_sentence_ends_where_the_thing_has_no_name_to_follow(form, alice):
    update_organisation(alice.actor, OrganisationChanges(currency="CHF"))
    assert "</strong> changed the settings of the organisation</p>" in form(alice).get("/audit").text


def test_what_was_taken_away_is_said_with_whom_it_was_taken_from(form, alice, bob):
    """Nothing of a grant, or of a place in a group, has changed when it goes: facts of the event say what it was."""
    group = a_group(alice.organisation, name="Night shift")
    member = add_user_group_member(alice.actor, group, NewUserGroupMember(user_id=bob.user_id))
    remove_user_group_member(alice.actor, group, member.id)
    delete_access_grant(alice.actor, a_grant(alice, "auditor", bob).id)
    trail = form(alice).get("/audit").text
    assert "took Bob out of Night shift" in trail
    assert "took the role Auditor from Bob" in trail


def test_the_way_of_a_key_is_told_by_how_the_key_begins(form, api, alice):
    made = api(alice).create_program(key="KEY", name="By a program").json["data"]
    page = form(alice).get(f"/audit?object={made['id']}").text
    assert f"API key {alice.api_key[:15]}" in page


def test_what_somebody_wrote_is_text_and_never_markup(form, alice):
    a_task(alice, name="<img src=x onerror=alert(1)>")
    page = form(alice).get("/audit").text
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.parametrize("door", ["form", "htmx", "api"])
def test_looking_at_the_trail_is_noted_once_in_a_quarter_of_an_hour(request, alice, door):
    look = request.getfixturevalue(door)(alice)
    for _ in range(3):
        assert look.get("/audit").status_code == 200
    (noted,) = readings(alice)
    assert (noted.action, noted.entity_type, noted.actor_user_id) == ("read", "ApplicationInstance", alice.user_id)
    assert (noted.before_state, noted.after_state) == (None, None)
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        look.get("/audit")
    assert len(readings(alice)) == 2


def test_reading_the_list_of_keys_is_noted_whichever_door_it_is_read_by(form, htmx, api, alice):
    for look in (form(alice), htmx(alice)):
        assert look.get("/api-keys").status_code == 200
    assert api(alice).get("/auth/keys").status_code == 200
    noted = as_auditor(
        "SELECT 1 FROM audit.audit_events WHERE application_instance_id = %s AND event_type = 'api_keys.viewed'",
        alice.organisation.id,
    )
    assert len(noted) == 1


def test_reading_about_people_is_noted_whichever_door_it_is_read_by(form, api, alice):
    assert api(alice).get("/users").status_code == 200
    assert api(alice).get(f"/users/{alice.user_id}").status_code == 200
    assert form(alice).get("/people").status_code == 200
    assert form(alice).get(f"/people/{alice.user_id}").status_code == 200
    noted = as_auditor(
        "SELECT 1 FROM audit.audit_events WHERE application_instance_id = %s AND event_type = 'people.viewed'",
        alice.organisation.id,
    )
    assert len(noted) == 1


def test_whoever_may_not_read_the_trail_leaves_no_trace_in_it(form, api, alice, carol):
    for door in (form, api):
        assert door(carol).get("/audit").status_code == 404
    assert readings(alice) == []


def test_dates_are_days_of_which_both_are_wanted(api, alice):
    today = clock.now().date()
    get = api(alice).get
    count = lambda query: len(get(f"/audit?limit=200&{query}").json["data"])  # noqa: E731
    assert count(f"from={today}&to={today}") > 5
    assert count(f"from={today + timedelta(days=1)}") == 0
    assert count(f"to={today - timedelta(days=1)}") == 0
    assert count(f"to={clock.now() + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}") > 5


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-02-30", "from=0000-00-00", "to=294277-01-01", "from=2026-11-22T14:05:00", "kind=cat",
     "event_type=%27", "action=fly", "person=-1", "person=99999999999999999", "from=2026-11-22&to=2026-11-21",
     "cursor=x", "limit=0", "strange=1", f"object={'x' * 256}",
     "cursor=PkD__________wAAAAAAAAAB", "cursor=PgAAAAAAAAAAAAAAAAAAAAA"],
)  # fmt: skip
def test_a_filter_that_will_not_do_is_named(api, form, alice, query):
    answer = api(alice).get(f"/audit?{query}")
    named = "to" if "&" in query else query.partition("=")[0]
    assert answer.status_code in (400, 422)
    assert named in [detail["field"] for detail in answer.json["error"]["details"]]
    assert form(alice).get(f"/audit?{query}").status_code in (400, 422)


def test_a_page_takes_a_day_with_a_time_of_it_and_shows_a_moment_as_both(form, alice):
    a_task(alice, name="Write back")
    today = clock.now().date()
    held = lambda query: "made the task" in form(alice).get(f"/audit?{query}").text  # noqa: E731
    soon = clock.now() + timedelta(minutes=1)
    assert held(f"from={today}&to={soon:%Y-%m-%d}&to_time={soon:%H:%M:%S}")
    assert not held(f"from={soon:%Y-%m-%d}&from_time={soon:%H:%M:%S}")
    assert not held("to=2026-01-01&to_time=00:00")
    page = form(alice).get("/audit?from=2026-11-22T15:05:30%2B01:00").text
    assert 'type="date" value="2026-11-22"' in page
    assert 'type="time" step="1" value="14:05:30"' in page


@pytest.mark.parametrize("query", ["from_time=14:05", "from=2026-11-22&from_time=25:00", "to=2026-11-22&to_time=x"])
def test_a_time_that_will_not_do_is_said_beside_its_day(form, alice, query):
    answer = form(alice).get(f"/audit?{query}")
    assert answer.status_code == 422
    assert f'id="f-{query.partition("=")[0].removesuffix("_time")}-wrong"' in answer.text


def test_the_api_tells_before_and_after(api, alice):
    task = a_task(alice, name="Write back")
    update_task(alice.actor, task.id, TaskChanges(name="Write back soon"))
    (newest, _created) = api(alice).get(f"/audit?object={task.id}").json["data"]
    assert (newest["before_state"], newest["after_state"]) == ({"name": "Write back"}, {"name": "Write back soon"})
    one = api(alice).get(f"/audit/{newest['event_id']}").json["data"]
    assert one == newest


def test_a_page_of_the_api_leads_to_the_next(api, alice):
    for _ in range(3):
        a_task(alice)
    first = api(alice).get("/audit?limit=2").json
    second = api(alice).client.get(first["links"]["next"], headers=api(alice).headers).json
    assert second["data"]
    assert {row["event_id"] for row in first["data"]}.isdisjoint({row["event_id"] for row in second["data"]})


def test_a_word_diff_holds_both_texts():
    pieces = word_diff(TEXT, CHANGED)
    assert "".join(text for how, text in pieces if how != "new") == TEXT
    assert "".join(text for how, text in pieces if how != "gone") == CHANGED
    assert [piece for piece in pieces if piece[0] != "same"] == [("gone", "ten"), ("new", "five")]


def test_the_head_of_the_chain_is_there_to_be_kept_elsewhere(api, alice, carol):
    newest = as_auditor("SELECT sequence, hash FROM audit.audit_chain ORDER BY sequence DESC LIMIT 1")
    told = api(alice).get("/audit/head").json["data"]
    if newest:
        assert (told["sequence"], told["hash"]) == (newest[0].sequence, newest[0].hash.hex())
    else:
        assert told is None
    assert api(carol).get("/audit/head").status_code == 404
