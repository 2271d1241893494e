"""Closing an organisation: announced, taken back, and in the end for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.commands.organisations import CLOSING, CLOSING_TAKES, close_organisation, finish_closing, keep_organisation
from app.core import clock
from app.core.database import db
from app.core.errors import Forbidden, Invalid
from app.jobs import runner
from app.models.user_sessions import UserSession
from app.queries.identity import tenants_of
from app.schemas.organisations import Closing
from tests.cast import join, system
from tests.jobs.outbox import row_of
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
    row = row_of(closing.id)
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
