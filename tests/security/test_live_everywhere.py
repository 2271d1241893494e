"""Keys, roles, people, settings, the trail and one's own account are live too, and say nothing to who may not look."""

from __future__ import annotations

import json

import pytest

from app.commands.access_roles import create_access_role, update_access_role
from app.commands.api_keys import create_api_key, revoke_api_key
from app.commands.organisations import update_organisation
from app.commands.profiles import update_profile
from app.commands.users import deactivate_user
from app.commands.workspaces import choose_default_workspace, clear_default_workspace
from app.core.actor import SignedIn
from app.schemas.access_roles import AccessRoleChanges, NewAccessRole
from app.schemas.organisations import OrganisationChanges
from app.schemas.profiles import ProfileChanges
from app.schemas.tenants import NewApiKey
from tests import cast
from tests.factories import a_grant, a_task, a_workspace, an_export
from tests.markup import fragment
from tests.security.lines import Line

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("within_earshot")]


def made_key(player):
    return create_api_key(player.actor, NewApiKey(user_id=player.user_id, name="A secret name", scopes=("*",)))[0]


def events(told):
    return [(each["event"], each["channel"]) for each in told if each["event"] != "heartbeat"]


def test_keys_are_told_of_to_who_may_see_them_all_and_to_whose_they_are(alice, bob, line):
    alices, bobs = line(alice, "api_key"), line(bob, "api_key")
    key = made_key(alice)
    revoke_api_key(alice.actor, key.id)
    assert events(alices.next() for _ in range(2)) == [("api_key.created", "api_key"), ("api_key.updated", "api_key")]
    assert bobs.follow(f"api_key.{key.id}") == "refused"
    assert events(bobs.heard[2:-1]) == [] and events(bobs.all_so_far()) == []
    made_key(bob)
    assert bobs.next()["event"] == "api_key.created"
    assert "secret" not in json.dumps(alices.heard + bobs.heard)


def test_roles_and_people_and_settings_are_told_of_to_who_may_see_them(alice, bob, line):
    role = create_access_role(alice.actor, NewAccessRole(name="Clerk", permissions=("task.view",)))
    a_grant(alice, "viewer", cast.join(alice.organisation, "gina"))
    gina = cast.play(alice.organisation, "gina")
    organisation = f"application_instance.{alice.organisation.id}"
    bobs, alices = line(bob, f"access_role.{role.id}", "person", f"person.{gina.user_id}"), line(alice, organisation)
    assert bobs.follow(organisation) == bobs.follow("application_instance") == "refused"
    assert alices.follow(f"application_instance.{role.id}") == "refused"
    update_access_role(alice.actor, role.id, AccessRoleChanges(name="Scribe"))
    assert bobs.until(lambda told: told["event"] == "access_role.updated")
    deactivate_user(alice.actor, gina.user_id)
    assert {bobs.until(lambda told: told["event"] == "person.updated")["channel"] for _ in range(2)} == {
        "person",
        f"person.{gina.user_id}",
    }
    update_organisation(alice.actor, OrganisationChanges(name="Acme and daughters"))
    assert alices.next()["event"] == "application_instance.updated"
    assert "application_instance" not in json.dumps(bobs.all_so_far())


def test_who_may_see_a_part_of_the_trail_is_told_of_that_part_only(alice, bob, line):
    role = create_access_role(alice.actor, NewAccessRole(name="Own", permissions=("audit_event.view_own", "task.view")))
    alice.organisation.roles["own"] = role.id
    a_grant(alice, "own", cast.join(alice.organisation, "gina"))
    gina = cast.play(alice.organisation, "gina")
    a_grant(alice, "member", gina)
    assert line(bob).follow("audit_event") == "refused"
    ginas, alices = line(gina, "audit_event"), line(alice, "audit_event")
    task = a_task(alice)
    assert alices.next()["event"] == "audit_event.created"
    assert ginas.all_so_far() == []
    a_task(cast.play(alice.organisation, "gina"), alice.program(task.program_id))
    told = ginas.next()
    assert told.pop("id")
    assert told == {"event": "audit_event.created", "channel": "audit_event", "by": "", "version": 1}


def test_the_trail_counts_what_has_come_and_does_not_move(alice, bob, form, htmx):
    task = a_task(alice)
    shown = form(alice).get("/audit?kind=task")
    address = shown.text.split('hx-get="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    path = address.removeprefix(f"/o/{alice.organisation.slug}")
    assert fragment(htmx(alice).get(path)).text.strip() == ""
    for _ in range(2):
        a_task(bob, alice.program(task.program_id))
    part = fragment(htmx(alice).get(path))
    assert (part["id"], part.text.strip()) == ("audit-news", "2 new events – show")
    assert htmx(bob).get(path).status_code in (403, 404)


def test_an_export_is_followed_by_whoever_asked_for_it_and_is_heard_of_by_nobody_else(alice, bob, line, htmx):
    a_grant(alice, "owner", bob)
    own = f"user.{alice.user_id}"
    alices, bobs = line(alice, own), line(cast.play(alice.organisation, "bob"), "audit_export")
    export = an_export(alice)  # asked for, counted, written
    assert events(alices.next() for _ in range(3)) == [("user.updated", own)] * 3
    assert bobs.all_so_far() == []
    part = fragment(htmx(alice).get(f"/audit/exports/{export.id}"))
    assert part["data-live"] == own and "Ready" in part.text
    shown = fragment(htmx(alice).get("/audit/exports"))
    assert (shown["id"], shown["data-live"]) == ("export-list", own)
    assert "Ready" in shown.text


def test_what_somebody_begins_with_is_told_to_their_other_windows_alone(alice, bob, line, htmx):
    desk, own = a_workspace(alice, "Desk"), f"user.{bob.user_id}"
    bobs, alices = line(bob, own, "workspace"), line(alice, f"user.{alice.user_id}", "workspace")
    before = fragment(htmx(bob).get("/workspaces"))
    assert before["data-live"].split() == ["workspace", own]
    choose_default_workspace(bob.actor, desk.id)
    clear_default_workspace(bob.actor, desk.id)
    choose_default_workspace(bob.actor, desk.id)
    assert events(bobs.next() for _ in range(3)) == [("user.updated", own)] * 3
    assert alices.all_so_far() == []
    assert "You begin with it" in fragment(htmx(bob).get("/workspaces")).text != before.text


def test_an_answer_why_somebody_may_do_something_follows_what_it_follows_from(alice, bob, htmx):
    question = f"/access?user_id={bob.user_id}&permission=task.delete"
    before = fragment(htmx(alice).get(question))
    assert (before["id"], before["data-live"]) == ("answer", "access_grant access_role user_group person")
    a_grant(alice, "owner", bob)
    assert fragment(htmx(alice).get(question)).text != before.text
    gone = htmx(alice).get("/access?user_id=999999999999&permission=task.delete")
    assert fragment(gone)["id"] == "answer" and "can no longer be answered" in gone.text


def test_ones_own_account_is_live_in_every_organisation_and_in_none_and_for_nobody_else(alice, bob, live, line):
    own = f"user.{bob.user_id}"
    bobs, outside, alices = line(bob, own), Line.of(live, bob.cookie, None), line(alice)
    assert outside.follow(own) == "subscribed"
    assert outside.follow("task") == outside.follow(f"user.{alice.user_id}") == "refused"
    assert alices.follow(own) == alices.follow("user") == "refused"
    update_profile(SignedIn(bob.user_id, "Bob", bob.actor.email), ProfileChanges(locale="de-DE"))
    for each in (bobs, outside):
        assert each.next() == {"event": "user.updated", "channel": own, "id": "", "by": "", "version": 1}
    assert alices.all_so_far() == []
    update_profile(SignedIn(bob.user_id, "Bob", bob.actor.email), ProfileChanges(locale=None))
    outside.connection.close()
