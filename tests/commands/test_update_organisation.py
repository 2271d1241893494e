"""The settings of an organisation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.commands.organisations import update_organisation
from app.core import clock
from app.core.errors import Forbidden, StaleVersion
from app.queries.organisations import get_organisation
from app.schemas.organisations import OrganisationChanges
from tests.factories import a_program
from tests.trail import audit_rows

GIVEN = {"name": "Acme & Daughters", "locale": "en-US", "time_zone": "America/New_York", "currency": "USD"}
DAYS = {"day.1": "on", "day.6": "on"}


def test_they_are_changed_on_the_page(form, alice):
    page = form(alice)
    assert "Save changes" in page.get("/settings").text
    assert page.post("/settings", **GIVEN, **DAYS, version=1).status_code == 303
    kept = alice.sees(get_organisation)
    assert {name: getattr(kept, name) for name in GIVEN} == GIVEN
    assert (kept.working_days, kept.version) == ([1, 6], 2)
    assert "Acme &amp; Daughters" in page.get("/tasks").text


def test_they_are_changed_over_the_api(api, alice):
    programs = api(alice)
    first = programs.get("/organisation")
    assert (first.headers["ETag"], first.json["data"]["working_days"]) == ('"v1"', [1, 2, 3, 4, 5])
    answer = programs.send("PATCH", "/organisation", {"currency": "CHF", "working_days": [7, 1, 1]}, If_Match='"v1"')
    assert answer.status_code == 200
    assert (answer.json["data"]["currency"], answer.json["data"]["working_days"]) == ("CHF", [1, 7])
    assert answer.json["data"]["name"] == "Acme"
    assert programs.send("PATCH", "/organisation", {"currency": "EUR"}, If_Match='"v1"').status_code == 412


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("currency", "XXX"),
        ("currency", "eur"),
        ("locale", "tlh"),
        ("working_days", []),
        ("working_days", [8]),
        ("session_idle_minutes", 4),
        ("session_idle_minutes", 1441),
        ("session_hours", 0),
        ("session_hours", 721),
        ("session_hours", 1.5),
        ("name", None),
        ("slug", "other"),
    ],
)
def test_what_cannot_be_is_refused(api, alice, field, value):
    answer = api(alice).send("PATCH", "/organisation", {field: value})
    assert answer.status_code == 422
    assert answer.json["error"]["details"][0]["field"].startswith(field)
    assert api(alice).get("/organisation").json["data"]["version"] == 1


def test_how_long_people_stay_signed_in_is_set_on_the_page_and_over_the_api(form, api, alice):
    page, times = form(alice), {"session_idle_minutes": "30", "session_hours": "12"}
    assert 'value="480" selected>8 hours<' in page.get("/settings").text
    assert page.post("/settings", **GIVEN, **DAYS, **times, version=1).status_code == 303
    read = api(alice).get("/organisation").json["data"]
    assert (read["session_idle_minutes"], read["session_hours"]) == (30, 12)
    answer = api(alice).send("PATCH", "/organisation", {"session_idle_minutes": 45})
    assert answer.status_code == 200
    assert 'value="45" selected>45 minutes<' in page.get("/settings").text
    [*_before, last] = audit_rows(alice.sees(get_organisation))
    assert (last.before_state, last.after_state) == ({"session_idle_minutes": 30}, {"session_idle_minutes": 45})


def test_a_form_with_mistakes_comes_back_as_it_was(form, alice):
    page = form(alice).post("/settings", **GIVEN | {"currency": "???"}, version=1)
    assert page.status_code == 422
    assert "There is something to correct" in page.text
    assert 'href="#f-working_days"' in page.text
    assert 'value="America/New_York" selected' in page.text


def test_the_second_to_save_is_shown_what_the_first_has_saved(form, alice):
    page = form(alice)
    assert page.post("/settings", **GIVEN, **DAYS, version=1).status_code == 303
    clash = page.post("/settings", **GIVEN | {"currency": "CHF"}, **DAYS, version=1)
    assert clash.status_code == 409
    assert "Somebody else saved this" in clash.text
    with pytest.raises(StaleVersion):
        update_organisation(alice.actor, OrganisationChanges(currency="CHF", version=1))


def test_the_trail_keeps_what_changed_and_nothing_else(alice):
    changed = update_organisation(alice.actor, OrganisationChanges(time_zone="Asia/Kathmandu"))
    update_organisation(alice.actor, OrganisationChanges(time_zone="Asia/Kathmandu"))
    rows = [row for row in audit_rows(changed) if row.event_type == "application_instance.updated"]
    assert [(row.before_state, row.after_state) for row in rows] == [
        ({"time_zone": "UTC"}, {"time_zone": "Asia/Kathmandu"})
    ]


def test_a_member_may_neither_see_nor_change_them(form, api, bob):
    assert form(bob).get("/settings").status_code == 403
    assert "/settings" not in form(bob).get("/tasks").text
    assert api(bob).get("/organisation").status_code == 403
    with pytest.raises(Forbidden):
        update_organisation(bob.actor, OrganisationChanges(name="Bob's"))


@pytest.mark.parametrize(
    ("zone", "locale", "shown"),
    [
        ("UTC", "en-GB", "31 Dec 2026, 23:30"),
        ("Europe/Zurich", "en-GB", "1 Jan 2027, 00:30"),
        ("America/New_York", "en-US", "Dec 31, 2026, 6:30\u202fPM"),
        ("Europe/Zurich", "fr-CA", "1 janv. 2027, 00 h 30"),
        ("Asia/Kathmandu", "en-US", "Jan 1, 2027, 5:15\u202fAM"),
    ],
)
def test_pages_show_times_as_the_organisation_has_them(form, alice, zone, locale, shown):
    update_organisation(alice.actor, OrganisationChanges(time_zone=zone, locale=locale))
    with clock.stopped(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)):
        program = a_program(alice)
    page = form(alice).get(f"/programs/{program.id}").text
    lang = "" if locale.startswith("en") else f' lang="{locale[:2]}"'
    assert f'<time datetime="2026-12-31T23:30:00+00:00" title="2026-12-31 23:30:00 UTC"{lang}>{shown}</time>' in page
