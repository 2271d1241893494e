"""Closing an organisation: announced, taken back, and in the end for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.adapters.letters import letter
from app.commands.access_grants import create_access_grant
from app.commands.organisations import (
    CLOSING,
    CLOSING_TAKES,
    REMINDING,
    close_organisation,
    finish_closing,
    keep_organisation,
    remind_of_closing,
    update_organisation,
)
from app.commands.users import deactivate_user
from app.core import clock
from app.core.database import db
from app.core.errors import Forbidden, Invalid
from app.core.mails import find_mail
from app.jobs import runner
from app.models.user_sessions import UserSession
from app.queries.identity import tenants_of
from app.schemas.access_grants import NewAccessGrant
from app.schemas.organisations import Closing, OrganisationChanges
from tests.cast import afresh, join, system
from tests.factories import a_group
from tests.jobs.outbox import rows_of
from tests.security.newcomers import newcomer
from tests.trail import as_superuser, audit_rows


def close(player):
    """Ask for it, with the short name typed as it is."""
    return close_organisation(player.actor, Closing(slug=player.organisation.slug))


def when_its_day_has_come(organisation):
    """What the job does in the end, or a day too early."""
    with clock.stopped(clock.now() + CLOSING_TAKES + timedelta(minutes=2)):
        return finish_closing(system(organisation))


def test_every_page_says_when_it_closes_and_an_owner_keeps_it(form, alice, bob):
    page = form(alice)
    assert "closes on" not in page.get("/tasks").text
    assert page.post("/settings/closing", slug=alice.organisation.slug).status_code == 303
    assert "Acme closes on" in page.get("/tasks").text
    assert "An owner can keep it" in form(bob).get("/programs").text
    assert "Keep it" not in form(bob).get("/programs").text
    assert page.post("/settings/keeping").status_code == 303
    assert "closes on" not in page.get("/tasks").text


def test_its_short_name_has_to_be_typed(form, alice):
    page = form(alice).post("/settings/closing", slug="acme")
    assert page.status_code == 422
    assert "exactly as it is" in page.text
    with pytest.raises(Invalid):
        close_organisation(alice.actor, Closing(slug="acme"))


def test_whoever_was_signed_in_long_ago_proves_first_who_they_are(form, alice):
    page = form(alice)
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == alice.user_id)
        .values(signed_in_at=clock.now() - timedelta(hours=1))
    )
    db.session.commit()
    assert page.post("/settings/closing", slug=alice.organisation.slug).status_code == 403
    assert "closes on" not in page.get("/tasks").text


def test_an_admin_may_not(acme, alice):
    dave = join(acme, "dave")
    for step in (lambda: close(dave), lambda: keep_organisation(dave.actor)):
        with pytest.raises(Forbidden):
            step()


def test_the_job_waits_for_the_day(alice):
    closing = close(alice)
    close(alice)
    _reminder, row = rows_of([closing.id])
    assert (row.job, row.done_at) == (CLOSING, None)
    assert closing.closes_at < row.due_at < closing.closes_at + timedelta(minutes=5)
    runner.run(CLOSING, str(closing.id), [str(row.id)])
    assert alice.sees(lambda _actor: db.session.get(type(closing), closing.id).closed_at) is None


def test_kept_is_kept(form, alice):
    close(alice)
    keep_organisation(alice.actor)
    when_its_day_has_come(alice.organisation)
    assert form(alice).get("/tasks").status_code == 200


def test_then_nobody_enters_it_any_more(form, api, alice):
    page, key = form(alice), api(alice)
    close(alice)
    assert page.get("/tasks").status_code == 200
    when_its_day_has_come(alice.organisation)
    assert (page.get("/tasks").status_code, key.get("/tasks").status_code) == (404, 401)
    assert alice.organisation.slug not in [tenant.slug for tenant in tenants_of(alice.user_id)]


def test_then_its_key_is_destroyed_and_its_trail_stays(alice):
    closing = close(alice)
    of_it = "SELECT 1 FROM application_instance_keys WHERE application_instance_id = %s"
    assert len(as_superuser(of_it, closing.id)) == 1
    when_its_day_has_come(alice.organisation)
    when_its_day_has_come(alice.organisation)
    assert as_superuser(of_it, closing.id) == []
    assert [row.event_type for row in audit_rows(closing)][-2:] == [
        "application_instance.closing_began",
        "application_instance.closed",
    ]


def test_other_organisations_go_on(form, alice, mallory):
    close(alice)
    when_its_day_has_come(alice.organisation)
    assert form(mallory).get("/tasks").status_code == 200


@pytest.fixture
def letters(web_app):
    """What was written since the last look: to whom, the subject, and the words."""
    seen = {row.id for row in as_superuser("SELECT id FROM mails")}

    def new():
        written = [row.id for row in as_superuser("SELECT id FROM mails") if row.id not in seen]
        seen.update(written)
        afresh()
        found = [letter(find_mail(each), web_app.config["SETTINGS"]) for each in written]
        return sorted((each["To"], each["Subject"], each.get_body(("plain",)).get_content()) for each in found)

    return new


def owned_by(alice):
    """Three owners beside alice: one directly, one by a group within a group, and one who was let go."""
    directly, by_group, let_go = (newcomer(alice.organisation, role) for role in ("owner", "member", "owner"))
    board = a_group(alice.organisation, name="Board")
    a_group(alice.organisation, by_group, name="Chairs", inside=board)
    brings = NewAccessGrant(access_role_id=alice.organisation.roles["owner"], user_group_id=board)
    create_access_grant(alice.actor, brings)
    newcomer(alice.organisation, "admin")
    deactivate_user(alice.actor, let_go.user_id)
    afresh()
    return sorted(each.actor.email for each in (alice, directly, by_group))


def test_its_owners_are_written_to_when_it_is_to_close_and_when_it_is_kept(alice, letters):
    owners = owned_by(alice)
    letters()
    with clock.stopped(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)):
        close(alice)
        close(alice)
    told = letters()
    assert [each[0] for each in told] == owners
    assert {each[1] for each in told} == {"Acme closes on 31 March 2026"}
    assert all("Alice has asked" in each[2] for each in told)
    assert all(f"http://localhost/o/{alice.organisation.slug}/settings" in each[2].splitlines() for each in told)
    keep_organisation(alice.actor)
    keep_organisation(alice.actor)
    told = letters()
    assert [each[0] for each in told] == owners
    assert {each[1] for each in told} == {"Acme stays"}
    assert all("31 March 2026" in each[2] for each in told)


def test_the_day_in_a_letter_is_that_of_the_organisation(alice, letters):
    update_organisation(alice.actor, OrganisationChanges(time_zone="Pacific/Auckland", locale="en-US"))
    with clock.stopped(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)):
        close(alice)
    assert [each[1] for each in letters()] == ["Acme closes on April 1, 2026"]


def test_they_are_reminded_once_a_few_days_before(alice, letters):
    closing = close(alice)
    letters()
    reminder, _closing = rows_of([closing.id])
    assert reminder.job == REMINDING
    assert closing.closes_at - timedelta(days=4) < reminder.due_at < closing.closes_at - timedelta(days=2)
    runner.run(REMINDING, str(closing.id), [str(reminder.id)])
    assert letters() == []
    with clock.stopped(reminder.due_at):
        for _time in range(2):
            remind_of_closing(system(alice.organisation))
    assert [each[1] for each in letters()] == ["In a few days Acme closes"]


def test_nobody_is_reminded_of_what_was_kept_or_begun_anew_or_is_over(alice, letters):
    closing = close(alice)
    first = rows_of([closing.id])[0].due_at
    keep_organisation(alice.actor)
    letters()
    with clock.stopped(first):
        remind_of_closing(system(alice.organisation))
    assert letters() == []
    with clock.stopped(first - timedelta(days=10)):
        again = close(alice)
    letters()
    with clock.stopped(first):
        remind_of_closing(system(alice.organisation))
    assert letters() == []
    with clock.stopped(again.closes_at):
        remind_of_closing(system(alice.organisation))
    assert letters() == []
