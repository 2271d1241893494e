"""Times, dates and numbers on pages: in the zone and the manner of whoever looks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import g

from app.commands.api_keys import create_api_key, rotate_api_key
from app.commands.organisations import update_organisation
from app.commands.profiles import update_profile
from app.core import clock
from app.core.actor import Profile, SignedIn
from app.schemas.api_keys import Rotation
from app.schemas.locales import LOCALES
from app.schemas.organisations import OrganisationChanges
from app.schemas.profiles import ProfileChanges
from app.schemas.tenants import NewApiKey
from app.web import dates
from tests.factories import a_certification, a_program, a_task
from tests.security.newcomers import newcomer

NEW_YEAR = datetime(2026, 12, 31, 23, 30, 9, tzinfo=UTC)
EXAMPLE = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def prefers(player, **given):
    """Have a person choose how times are written for them."""
    update_profile(SignedIn(player.user_id, player.actor.name, player.actor.email), ProfileChanges(**given))


@pytest.fixture
def reader(app):
    """Makes somebody look, who has chosen a zone and a manner."""
    with app.test_request_context():

        def look(time_zone="UTC", locale="en-GB"):
            g.signed_in = SignedIn(1, "Dora", "dora@acme.example", profile=Profile(time_zone, locale))

        yield look


@pytest.mark.parametrize("name", LOCALES)
def test_an_example_is_how_it_is_really_written(reader, name):
    reader(locale=name)
    assert re.sub(r"<[^>]+>", "", dates.moment(EXAMPLE)) == LOCALES[name][1]


def test_a_moment_says_which_instant_of_utc_it_is(reader):
    reader("Asia/Kathmandu", "de-CH")
    exact = 'datetime="2026-12-31T23:30:09+00:00" title="2026-12-31 23:30:09 UTC"'
    assert dates.second(NEW_YEAR) == f"<time {exact}>01.01.2027, 05:15:09</time>"
    assert dates.moment(NEW_YEAR).striptags() == "01.01.2027, 05:15"
    assert dates.day(NEW_YEAR).striptags() == "01.01.2027"
    assert dates.utc_moment(NEW_YEAR).striptags() == "31.12.2026, 23:30"
    reader("Asia/Kathmandu", "fr-CH")  # a language that pages do not speak: a voice should know
    assert dates.second(NEW_YEAR) == f'<time {exact} lang="fr">1 janv. 2027, 05:15:09</time>'


def test_a_date_without_a_time_is_the_same_everywhere(reader):
    reader("Pacific/Auckland", "en-US")
    assert dates.day(date(2026, 12, 31)) == "Dec 31, 2026"


def test_the_hour_that_comes_twice_is_told_apart(reader):
    reader("Europe/Zurich")
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert dates.moment(first).striptags() == dates.moment(second).striptags() == "25 Oct 2026, 02:30"
    assert 'title="2026-10-25 00:30:00 UTC"' in dates.moment(first)
    assert 'title="2026-10-25 01:30:00 UTC"' in dates.moment(second)
    at_home = [each.astimezone(ZoneInfo("Europe/Zurich")) for each in (first, second)]  # as a database there tells them
    assert [dates.moment(each) for each in at_home] == [dates.moment(first), dates.moment(second)]


@pytest.mark.parametrize(
    ("locale", "written"),
    [("en-GB", "1,234,567"), ("de-CH", "1’234’567"), ("de-DE", "1.234.567"), ("en-IN", "12,34,567")],
)
def test_a_number_has_its_thousands_apart(reader, locale, written):
    reader(locale=locale)
    assert dates.number(1234567) == written


def test_nothing_is_a_dash_and_a_zone_that_is_gone_reads_as_utc(reader):
    reader("Mars/Olympus")
    assert [write(None) for write in (dates.day, dates.moment, dates.second, dates.attested, dates.number)] == ["–"] * 5
    assert dates.moment(EXAMPLE).striptags() == "22 Nov 2026, 14:05"


def test_ones_own_choice_goes_before_that_of_the_organisation(form, acme, alice):
    update_organisation(alice.actor, OrganisationChanges(time_zone="America/New_York", locale="en-US"))
    dora, eve = newcomer(acme), newcomer(acme)
    prefers(dora, time_zone="Asia/Tokyo", locale="fr-FR")
    prefers(eve, time_zone="Asia/Tokyo")
    with clock.stopped(NEW_YEAR):
        program = a_program(alice)
    shown = {player: form(player).get(f"/programs/{program.id}").text for player in (dora, eve)}
    assert ">1 janv. 2027, 08:30</time>" in shown[dora]
    assert ">Jan 1, 2027, 8:30\u202fAM</time>" in shown[eve]


def test_numbers_of_things_are_written_as_dates_are(form, acme):
    dora = newcomer(acme)
    task = a_task(dora, estimate_minutes=74_070)
    assert "1,234 h 30 min" in form(dora).get(f"/tasks/{task.id}").text
    prefers(dora, locale="de-CH")
    assert "1’234 h 30 min" in form(dora).get(f"/tasks/{task.id}").text


def test_trails_are_in_the_zone_of_who_reads_them_and_say_so(form, acme):
    dora = newcomer(acme, role="owner")
    with clock.stopped(NEW_YEAR):
        program = a_program(dora)
    prefers(dora, time_zone="America/New_York")
    for path in (f"/programs/{program.id}/history", "/audit"):
        page = form(dora).get(path).text
        assert "in the zone America/New York" in page
        assert "imes are in UTC" not in page
        assert re.search(r'title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC">', page)


def test_days_of_the_trail_are_those_of_who_asks(form, api, acme):
    dora = newcomer(acme, role="owner")
    program = a_program(dora)
    page = form(dora).get(f"/audit?object={program.id}").text
    made = datetime.fromisoformat(re.search(r'<time datetime="([^"]+)"', page)[1])
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # a day apart, so that one of them has another date
        prefers(dora, time_zone=zone)
        day = made.astimezone(dates._zone(zone)).date()
        found = form(dora).get(f"/audit?object={program.id}&from={day}&to={day}").text
        assert "1 event on this page" in found
    told = api(dora).get(f"/audit?object={program.id}&from={made.date()}&to={made.date()}").json["data"]
    assert len(told) == 1


def test_a_time_of_day_in_a_filter_is_that_of_who_asks(form, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, time_zone="Asia/Kathmandu")
    page = form(dora).get("/audit?from=2026-11-22&from_time=14:05&to=2026-11-22T15:05:30Z").text
    for kept in ("From (Asia/Kathmandu)", 'value="2026-11-22"', 'value="14:05"', 'value="20:50:30"'):
        assert kept in page
    assert "from=2026-11-22T08:20:00Z" in page


def test_a_moment_that_was_put_off_is_shown_before_and_after_as_times(form, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, time_zone="Asia/Tokyo", locale="de-CH")
    key = create_api_key(dora.actor, NewApiKey(user_id=dora.user_id, name="Old", expires_at=NEW_YEAR))[0]
    rotate_api_key(dora.actor, key.id, Rotation(overlap_hours=0))
    page = form(dora).get(f"/audit?object={key.id}").text
    assert "&lt;time" not in page
    assert re.search(r"<del>.*<time [^>]*>01\.01\.2027, 08:30:09</time></del>", page)
    assert re.search(r"<ins>.*<time [^>]*>\d\d\.\d\d\.\d{4}, \d\d:\d\d:\d\d</time></ins>", page)


def test_a_certificate_is_in_utc_on_paper_and_says_so(form, acme):
    dora = newcomer(acme)
    certification = a_certification(dora)
    prefers(dora, time_zone="Asia/Tokyo")
    page = form(dora).get(f"/certifications/{certification}").text
    printed = re.findall(r'<span class="on-paper[^"]*">(<time.*?)</span>', page)
    assert len(printed) >= 2
    for each in printed:
        exact, shown = re.fullmatch(r'<time [^>]*title="([^"]+) UTC">([^<]+)</time> \(UTC\)', each).groups()
        assert exact[11:19] == shown[-8:]


def test_a_program_gets_utc_whatever_its_person_prefers(api, acme):
    dora = newcomer(acme)
    prefers(dora, time_zone="Asia/Tokyo", locale="ja-JP")
    program = a_program(dora)
    told = api(dora).get(f"/programs/{program.id}").json["data"]
    assert told["created_at"].endswith("Z")
    assert api(dora).get("/auth").json["data"]["person"]["time_zone"] == "Asia/Tokyo"
